// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.ImageInfo;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An image of the user's, open read-only: it is copied, or a large one stood on, and tells what comes of that must read as. */
final class Original implements Contents, AutoCloseable {
    private static final int STEP = 1 << 20;
    private static final String OVERLAY = "qed";

    private final String name;
    private final BlockDevice device;

    private Original(String name, BlockDevice device) {
        this.name = name;
        this.device = device;
    }

    static Original open(String name) throws BlockException {
        return new Original(name, BlockDevice.open(name, tools()));
    }

    private static OpenOptions tools() {
        return OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
    }

    /** Whether it takes more than {@code maxBytes} on disk, or has more than twice as much data with its backing files. */
    boolean isLargerThan(long maxBytes) throws BlockException {
        return device.node().allocatedFileSize() > maxBytes || hasMoreDataThan(2 * maxBytes);
    }

    /** What is to be seen of the image itself, which is checked, and as it was. */
    ImageFacts facts() throws BlockException {
        return ImageFacts.of(device, ImageFacts.check(name, tools()));
    }

    private void refuseManyFiles() throws BlockException {
        if (hasOthersThan(device.node(), Set.of(Node.FILE, Node.BACKING, Node.DATA))
                || hasOthersThan(device.node().child(Node.DATA), Set.of(Node.FILE, Node.BACKING))) {
            throw new BlockException(Errno.ENOTSUP, "Images of so many files cannot be copied yet");
        }
    }

    private static boolean hasOthersThan(@Nullable Node node, Set<String> roles) {
        return node != null && !roles.containsAll(node.children().keySet());
    }

    private boolean hasMoreDataThan(long most) throws BlockException {
        long data = 0;
        for (long at = 0; at < device.length() && data <= most; ) {
            BlockStatus status = device.layeredStatus(at, device.length() - at).status();
            data += status.isZero() ? 0 : status.length();
            at += status.length();
        }
        return data > most;
    }

    /**
     * Makes a QED image that this one is the backing file of, and so is not written to.
     *
     * @param mostVerified about how many bytes of the disk are to be looked at
     */
    Subject overlayIn(Path target, long mostVerified) throws BlockException {
        ImageInfo info = device.info();
        Subject subject = Subject.overlay(name, target, OVERLAY, this, mostVerified);
        CreateOptions options = CreateOptions.ofSize(device.length()).withBacking(absolute(name), info.format());
        NewImage.create(OVERLAY, target, options, subject.readWrite());
        return subject;
    }

    /**
     * Copies the image with its data file, if it has one, and lets the copy name its backing file, which stays, by an absolute name.
     * ENOTSUP if its data file has a data file of its own.
     */
    Subject copyTo(Path target) throws IOException {
        refuseManyFiles();
        copyFile(name, target);
        ImageInfo info = device.info();
        Subject subject = new Subject(name, target, info.format(), this, copyData(NewImage.dataFile(target)));
        nameBacking(target, subject.readWrite(), info.fullBackingFilename(), info.backingFormat());
        return subject;
    }

    /** Has a copy name a backing file by an absolute name, if it has one: it lies elsewhere than the original. */
    private static void nameBacking(Path copy, OpenOptions options, @Nullable String name, @Nullable String format)
            throws BlockException {
        if (name == null) {
            return;
        }
        try (BlockDevice device = BlockDevice.open(copy.toString(), options.withNoBacking(true))) {
            device.changeBackingFile(absolute(name), format);
        }
    }

    private static String absolute(String name) {
        return Filenames.hasProtocol(name)
                ? name
                : Path.of(name).toAbsolutePath().toString();
    }

    /** Copies the data file; the copy of the image names the original, so it is to be opened with these options. */
    private NodeOptions copyData(Path target) throws IOException {
        Node data = device.node().child(Node.DATA);
        Node file = data == null ? null : data.child(Node.FILE);
        if (data == null || file == null) {
            return NodeOptions.NONE;
        }
        copyFile(file.filename(), target);
        nameBackingOfData(data, target);
        String path = Node.DATA + "." + Node.FILE + ".";
        return NodeOptions.of(Map.of(path + "driver", "file", path + "filename", target.toString()));
    }

    private static void nameBackingOfData(Node data, Path copy) throws BlockException {
        Node backing = data.backing();
        if (backing != null) {
            OpenOptions options =
                    tools().withWritable(true).withFormat(data.driver().formatName());
            nameBacking(copy, options, backing.filename(), backing.driver().formatName());
        }
    }

    /** Copies a file, holes as holes. */
    private static void copyFile(String name, Path target) throws IOException {
        try (BlockDevice file = BlockDevice.open(name, tools().withFormat("file"));
                FileChannel channel =
                        FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                AlignedBuffer buffer = BufferPool.shared().acquire(STEP)) {
            long length = file.length();
            for (long at = 0; at < length; ) {
                BlockStatus status = file.blockStatus(at, length - at);
                int bytes = (int) Math.min(STEP, status.length());
                if (status.isZero()) {
                    at += status.length();
                } else {
                    copyPiece(file, channel, buffer, at, bytes);
                    at += bytes;
                }
            }
            if (channel.size() < length) {
                channel.write(ByteBuffer.allocate(1), length - 1);
            }
        }
    }

    private static void copyPiece(BlockDevice file, FileChannel channel, AlignedBuffer buffer, long at, int bytes)
            throws IOException {
        file.read(at, IoVector.of(buffer, 0, bytes));
        if (!buffer.isZero(0, bytes)) {
            ByteBuffer data = buffer.nio(0, bytes);
            while (data.hasRemaining()) {
                channel.write(data, at + data.position());
            }
        }
    }

    @Override
    public void read(long offset, ByteBuffer target) throws BlockException {
        device.read(offset, target);
    }

    @Override
    public long zeros(long offset, long limit) throws BlockException {
        BlockStatus status = device.layeredStatus(offset, limit).status();
        return status.isZero() ? status.length() : 0;
    }

    @Override
    public void close() throws BlockException {
        device.close();
    }
}
