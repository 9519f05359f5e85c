// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import com.sun.nio.file.ExtendedOpenOption;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/** A file on {@link FileChannel}: all that Java 21 gives, which leaves out holes and allocated sizes. */
final class ChannelFile implements FileIo {
    /** What Java wants with O_DIRECT, whatever the device needs. */
    private static final int DIRECT_ALIGNMENT = 4096;

    private final FileChannel channel;
    private final boolean direct;

    private ChannelFile(FileChannel channel, boolean direct) {
        this.channel = channel;
        this.direct = direct;
    }

    static ChannelFile open(Path path, boolean writable, boolean direct, boolean create) throws IOException {
        Set<OpenOption> options = new HashSet<>();
        options.add(StandardOpenOption.READ);
        if (writable) {
            options.add(StandardOpenOption.WRITE);
        }
        if (direct) {
            options.add(ExtendedOpenOption.DIRECT);
        }
        if (create) {
            options.add(StandardOpenOption.CREATE);
        }
        FileChannel channel = FileChannel.open(path, options);
        makeUninterruptible(channel);
        return new ChannelFile(channel, direct);
    }

    private static void makeUninterruptible(FileChannel channel) {
        try {
            Class.forName("sun.nio.ch.FileChannelImpl")
                    .getMethod("setUninterruptible")
                    .invoke(channel);
        } catch (ReflectiveOperationException e) {
            org.slf4j.LoggerFactory.getLogger(ChannelFile.class).warn("interrupts may close files: {}", e.toString());
        }
    }

    @Override
    public int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException {
        ByteBuffer buffer = target.nio(targetOffset, length);
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, offset + buffer.position()) <= 0) {
                    break;
                }
            }
            return buffer.position();
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    @Override
    public void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        ByteBuffer buffer = source.nio(sourceOffset, length);
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer, offset + buffer.position());
            }
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    @Override
    public long length() throws BlockException {
        try {
            return channel.size();
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    @Override
    public void truncate(long length) throws BlockException {
        try {
            if (length <= channel.size()) {
                channel.truncate(length);
            } else {
                channel.write(ByteBuffer.allocate(1), length - 1);
            }
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    @Override
    public void sync() throws BlockException {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    @Override
    public void zeroRange(long offset, long length) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    @Override
    public void punchHole(long offset, long length) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    @Override
    public void allocate(long offset, long length) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    @Override
    public BlockStatus status(long offset, long bytes) {
        return BlockStatus.at(BlockStatus.DATA | BlockStatus.ALLOCATED, bytes, offset);
    }

    @Override
    public long allocatedSize() {
        return -1;
    }

    @Override
    public int requestAlignment() {
        return direct ? DIRECT_ALIGNMENT : 1;
    }

    @Override
    public int memoryAlignment() {
        return requestAlignment();
    }

    @Override
    public void close() throws BlockException {
        try {
            channel.close();
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }
}
