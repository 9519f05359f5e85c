// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A file on {@link FileChannel}: all that Java 21 gives, which leaves out holes and allocated sizes. */
final class ChannelFile implements FileIo {
    /** What Java wants with O_DIRECT, whatever the device needs. */
    private static final int DIRECT_ALIGNMENT = 4096;

    private final FileChannel channel;
    private final FileChannel resizer;
    private final boolean direct;
    private final int blockSize;
    private final FileFacts facts;
    private final Map<Long, FileLock> locks = new ConcurrentHashMap<>();

    /** {@code resizer} makes the file longer: {@code channel} itself, unless that is direct. */
    ChannelFile(FileChannel channel, FileChannel resizer, boolean direct, int blockSize, FileFacts facts) {
        this.channel = channel;
        this.resizer = resizer;
        this.direct = direct;
        this.blockSize = Math.max(Integer.highestOneBit(blockSize), direct ? DIRECT_ALIGNMENT : 1);
        this.facts = facts;
    }

    @Override
    public int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException {
        ByteBuffer buffer = target.nio(targetOffset, length);
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, offset + buffer.position()) <= 0 || isDirectTail(buffer.position())) {
                    break;
                }
            }
            return buffer.position();
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    /** With O_DIRECT a read that ends inside of a block has met the end of the file, and cannot be continued there. */
    private boolean isDirectTail(int done) {
        return direct && (done & (DIRECT_ALIGNMENT - 1)) != 0;
    }

    @Override
    public void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        ByteBuffer buffer = source.nio(sourceOffset, length);
        try {
            while (buffer.position() < length) {
                int done = buffer.position();
                int left = length - done;
                buffer.limit(done + (direct ? left : FileIo.firstPageWrite(offset + done, left)));
                channel.write(buffer, offset + done);
            }
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }

    @Override
    public FileFacts facts() {
        return facts;
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
            long size = resizer.size();
            if (length < size) {
                resizer.truncate(length);
            } else if (length > size) {
                resizer.write(ByteBuffer.allocate(1), length - 1);
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
    public int blockSize() {
        return blockSize;
    }

    @Override
    public LockResult lockShared(long position) throws BlockException {
        try {
            FileLock lock = channel.tryLock(position, 1, true);
            if (lock == null) {
                return LockResult.CONFLICT;
            }
            locks.put(position, lock);
            return LockResult.GRANTED;
        } catch (OverlappingFileLockException e) {
            // Held by this JVM, past our table: by code that opened the image itself.
            return LockResult.CONFLICT;
        } catch (IOException e) {
            Errno errno = IoErrors.errnoOf(e);
            return errno == Errno.EAGAIN || errno == Errno.EACCES ? LockResult.CONFLICT : LockResult.UNSUPPORTED;
        }
    }

    @Override
    public void unlock(long position) throws BlockException {
        FileLock lock = locks.remove(position);
        if (lock != null) {
            try {
                lock.release();
            } catch (IOException e) {
                throw IoErrors.convert(e);
            }
        }
    }

    @Override
    public Set<Integer> lockedByOthers(Set<Integer> positions) {
        return ProcLocks.read(facts.id().inode()).lockedByOthers(positions);
    }

    @Override
    public void close() throws BlockException {
        try (resizer) {
            channel.close();
        } catch (IOException e) {
            throw IoErrors.convert(e);
        }
    }
}
