// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.SharedFiles;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * add-cow, a copy-on-write bitmap for images of other formats: recognises, makes and opens images.
 *
 * <p>New images: {@code size}, {@code backing_file}, {@code backing_fmt}, {@code image_file}, {@code image_fmt}, {@code cluster_size}.
 * spec: addcow.md sections 5 to 7.
 */
public final class AddCowProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "add-cow";
    }

    @Override
    public Kind kind() {
        return Kind.FORMAT;
    }

    @Override
    public boolean supportsBacking() {
        return true;
    }

    @Override
    public int probe(AlignedBuffer head, int length) {
        return length >= AddCowHeader.BYTES && head.getInt(0) == AddCowHeader.MAGIC ? 100 : 0;
    }

    @Override
    public List<DriverOption> createOptions() {
        return List.of(
                DriverOption.size("size", "Virtual disk size"),
                DriverOption.string("backing_file", "File name of a base image"),
                DriverOption.string("backing_fmt", "Image format of the base image"),
                DriverOption.string(AddCowCreation.IMAGE_FILE, "File name of the image file, which must exist"),
                DriverOption.string(AddCowCreation.IMAGE_FORMAT, "Image format of the image file")
                        .withDefault(AddCowCreation.RAW),
                DriverOption.size(AddCowCreation.CLUSTER_SIZE, "Cluster size (in bytes)")
                        .withDefault(String.valueOf(AddCowHeader.DEFAULT_CLUSTER_SIZE)));
    }

    @Override
    public List<String> childRoles() {
        return List.of(Node.FILE, Node.DATA, Node.BACKING);
    }

    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        new AddCowCreation(context, options).run();
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Node file = context.file();
        OpenOptions options = context.options();
        HeaderStore store = new HeaderStore(file, options.pool());
        AddCowHeader header = store.read();
        header.validate();
        AddCowDriver.Names names = readNames(store, header);
        FileNames fileNames = FileNames.of(context);
        BackingReference reference = names.backing();
        fileNames.refuseImage(names.image());
        if (reference != null && !replacesBacking(options)) {
            fileNames.refuseBacking(names.image(), reference.name());
        }
        Node data = openData(context, names);
        AddCowFiles files = new AddCowFiles(file, data);
        AddCowImage image = AddCowImage.read(files, header, options);
        Node backing = context.openBacking(reference == null ? BackingReference.NONE : reference);
        SharedFiles.refuse(file, data, backing, "image file");
        return new AddCowDriver(files, backing, names, fileNames, store, options, image);
    }

    /** The names in the header, whose formats must be known: guessing them would let a guest choose. */
    private static AddCowDriver.Names readNames(HeaderStore store, AddCowHeader header) throws BlockException {
        BackingReference reference = readBacking(store, header);
        requireFormat(header.imageFormat());
        return new AddCowDriver.Names(store.readName(header.image()), header.imageFormat(), reference);
    }

    /** The backing file as the header records it, or null. */
    static @Nullable BackingReference readBacking(HeaderStore store, AddCowHeader header) throws BlockException {
        if (!header.namesBacking()) {
            return null;
        }
        requireFormat(header.backingFormat());
        return new BackingReference(store.readName(header.backing()), header.backingFormat());
    }

    private static void requireFormat(String format) throws BlockException {
        if (!isFormat(format)) {
            throw new BlockException(Errno.ENOTSUP, "Unknown format '" + format + "' in the add-cow header");
        }
    }

    static boolean isFormat(String name) {
        BlockDriverProvider provider = Drivers.find(name);
        return provider != null && provider.kind() == Kind.FORMAT;
    }

    /** Whether the opener says what the backing file is, or that there is none, whatever the header says. */
    private static boolean replacesBacking(OpenOptions options) {
        return options.noBacking()
                || options.backing() != null
                || options.nodeOptions().mentions(Node.BACKING);
    }

    private static Node openData(OpenContext context, AddCowDriver.Names names) throws BlockException {
        try {
            return context.openChild(Node.DATA, names.image(), names.imageFormat());
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open image file: " + e.reason(), e);
        }
    }
}
