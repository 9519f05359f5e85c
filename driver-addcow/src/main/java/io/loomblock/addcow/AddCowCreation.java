// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.addcow.AddCowHeader.NamePlace;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Node;
import io.loomblock.driver.SharedFiles;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Makes a new image beside a data file that is there already. spec: addcow.md section 6.
 *
 * <p>Everything is checked, and the data file open, before a file is touched. The header goes last, so that no half-made image is ever taken
 * for one, and a file that could not be finished is deleted. The data file is made as long as the disk, and never shorter.
 */
final class AddCowCreation {
    static final String IMAGE_FILE = "image_file";
    static final String IMAGE_FORMAT = "image_fmt";
    static final String CLUSTER_SIZE = "cluster_size";

    static final String RAW = "raw";

    private final CreateContext context;
    private final CreateOptions options;
    private final FileNames names;

    AddCowCreation(CreateContext context, CreateOptions options) {
        this.context = context;
        this.options = options;
        this.names = FileNames.of(context);
    }

    void run() throws BlockException {
        String backing = options.backingFile();
        require(options.size() >= 0 || backing != null, "Image creation needs a size parameter");
        if (backing != null) {
            names.refuseItself(backing);
        }
        requireFormat(options.backingFormat());
        long backingLength = options.size() < 0 && backing != null ? lengthOf(backing) : -1;
        AddCowLayout layout = layout();
        String backingFormat = backing == null ? "" : backingFormat(backing);
        String image = options.options().get(IMAGE_FILE);
        if (image == null || image.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "add-cow needs an existing image file: -o image_file=…");
        }
        if (backing != null) {
            names.refuseSame(image, backing);
        }
        names.refuseImage(image);
        String imageFormat = options.options().getOrDefault(IMAGE_FORMAT, RAW);
        byte[] backingName = name(backing);
        byte[] imageName = name(image);
        if (AddCowHeader.BYTES + backingName.length + imageName.length > layout.headerSize()) {
            throw new BlockException(Errno.ENOSPC, "The file names do not fit into the add-cow header");
        }
        requireFormat(imageFormat);
        try (Node data = openNamed(image, imageFormat, true)) {
            long size = size(backingLength, data);
            if (backing != null) {
                refuseUnusable(data, backing, backingFormat);
            }
            NamePlace backingPlace =
                    backingName.length == 0 ? NamePlace.NONE : new NamePlace(AddCowHeader.BYTES, backingName.length);
            AddCowHeader header = new AddCowHeader(
                    backingPlace,
                    new NamePlace(Math.max(AddCowHeader.BYTES, backingPlace.end()), imageName.length),
                    layout.clusterBits(),
                    0,
                    backing == null ? AddCowHeader.ALL_ALLOCATED : 0,
                    layout.headerSize(),
                    backingFormat,
                    imageFormat);
            write(layout, header, backingName, imageName, data, size);
        }
    }

    private AddCowLayout layout() throws BlockException {
        String text = options.options().get(CLUSTER_SIZE);
        long clusterSize;
        try {
            clusterSize = text == null ? AddCowHeader.DEFAULT_CLUSTER_SIZE : Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new BlockException(Errno.EINVAL, "Parameter '" + CLUSTER_SIZE + "' expects a size", e);
        }
        require(
                AddCowLayout.isClusterSize(clusterSize),
                "add-cow cluster size must be within range [" + (1 << AddCowHeader.MIN_CLUSTER_BITS) + ", "
                        + (1 << AddCowHeader.MAX_CLUSTER_BITS) + "] and power of 2");
        return new AddCowLayout(Long.numberOfTrailingZeros(clusterSize));
    }

    private static void require(boolean condition, String otherwise) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, otherwise);
        }
    }

    private static void requireFormat(@Nullable String format) throws BlockException {
        require(format == null || AddCowProvider.isFormat(format), "Unknown file format '" + format + "'");
        require(format == null || format.length() <= AddCowHeader.MAX_FORMAT, "File format name is too long");
    }

    private static byte[] name(@Nullable String name) throws BlockException {
        if (name == null) {
            return new byte[0];
        }
        require(!name.isEmpty() && name.indexOf('\0') < 0, "A file name is empty or contains a NUL character");
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        require(
                bytes.length <= AddCowHeader.MAX_NAME,
                "A file name is longer than " + AddCowHeader.MAX_NAME + " bytes");
        return bytes;
    }

    /** The format of the backing file as it will be recorded; one that was not said is probed now, read-only, and never again. */
    private String backingFormat(String backing) throws BlockException {
        String said = options.backingFormat();
        if (said != null) {
            return said;
        }
        try (Node node = openNamed(backing, null, false)) {
            String probed = node.driver().formatName();
            requireFormat(probed);
            return probed;
        }
    }

    /** An image that could never be opened is not made, unless nobody wants the backing file to be looked at. */
    private void refuseUnusable(Node data, String backing, String format) throws BlockException {
        if (context.options().noBacking()) {
            return;
        }
        try (Node node = openNamed(backing, format, false)) {
            SharedFiles.refuse(null, data, node, "image file");
        }
    }

    private long lengthOf(String backing) throws BlockException {
        try (Node node = openNamed(backing, options.backingFormat(), false)) {
            return WholeSectors.of(node).length();
        }
    }

    private Node openNamed(String name, @Nullable String format, boolean writable) throws BlockException {
        try {
            OpenOptions named = context.options().withWritable(writable).withNoBacking(false);
            return context.openNamed(name, format, named);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open '" + name + "': " + e.reason(), e);
        }
    }

    /** The size of the disk: what was said, or that of the backing file; a longer data file is not cut. */
    private long size(long backingLength, Node data) throws BlockException {
        long present = WholeSectors.of(data).length();
        if (backingLength >= 0) {
            return Math.max(present, backingLength);
        }
        long size = options.size();
        require(
                size % AddCowLayout.SECTOR == 0 && size <= (Long.MAX_VALUE & -AddCowLayout.SECTOR),
                "add-cow image size must be a multiple of " + AddCowLayout.SECTOR + " bytes");
        require(present <= size, "The image file is longer than the image and would be cut");
        return size;
    }

    private void write(
            AddCowLayout layout, AddCowHeader header, byte[] backingName, byte[] imageName, Node data, long size)
            throws BlockException {
        int end = AddCowHeader.BYTES + backingName.length + imageName.length;
        // The memory first: where there is none, no file is left behind.
        try (AlignedBuffer buffer = context.options().pool().acquireReserved(end)) {
            buffer.fill(0, end, (byte) 0);
            header.encode(buffer);
            buffer.put((int) header.backing().offset(), backingName, 0, backingName.length);
            buffer.put((int) header.image().offset(), imageName, 0, imageName.length);
            writeFile(layout, buffer, data, size);
        }
    }

    private void writeFile(AddCowLayout layout, AlignedBuffer headerAndNames, Node data, long size)
            throws BlockException {
        try (Node file = context.createFile()) {
            file.truncate(layout.fileLength(size), true, PreallocationMode.OFF);
            if (WholeSectors.of(data).length() < size) {
                data.truncate(size, true, PreallocationMode.OFF);
                data.flush();
            }
            file.flush();
            file.coWritev(0, IoVector.of(headerAndNames));
            file.flush();
        } catch (BlockException e) {
            context.deleteFile();
            throw e;
        }
    }
}
