// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.Errno;
import io.loomblock.driver.Closer;
import io.loomblock.memory.AlignedBuffer;
import java.lang.foreign.Arena;
import java.lang.ref.Reference;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A file descriptor of the system. No call listens to interrupts. */
final class NativeFile implements FileIo {
    /** What O_DIRECT is content with where the kernel does not say what it wants. */
    private static final int SAFE_ALIGNMENT = 4096;

    private static final int MIN_ALIGNMENT = 512;

    /** The system's pauses for those who write too fast are longer; the turn of another thread on a busy processor is not. */
    private static final long QUICK_WRITE_NANOS = 5_000_000;

    private static final int PAGE = 4096;

    private final LibC libc;
    private final FileFacts facts;
    private final int requestAlignment;
    private final int memoryAlignment;
    private final int blockSize;

    private final IoThreads threads = IoThreads.forCalls();
    private final IoThreads syncers = IoThreads.forSyncs();
    private final CachedReads cachedReads = new CachedReads(new Reading(), threads);
    private final PacedTransfer pageWrites = new PacedTransfer(this::writePages, QUICK_WRITE_NANOS, threads);
    /** The system reads what is not in the page cache of a page before it writes into it. */
    private final PacedTransfer innerWrites = new PacedTransfer(this::writePages, CachedReads.QUICK_NANOS, threads);

    private final EarlyWriteBack writeBack = new EarlyWriteBack(this::beginWriteBack, syncers::begin, System::nanoTime);

    /** Null with the page cache. */
    private final @Nullable DirectIo directIo;

    /** The file was so long when it was asked; only O_DIRECT asks. */
    private volatile long reached;

    private final Pace statusPace = new Pace(CachedReads.QUICK_NANOS);
    private final Pace extensionPace = new Pace(CachedReads.QUICK_NANOS);

    /**
     * -1 once closed, so that a call that begins too late meets EBADF and not somebody else's file. What has begun is over by then: requests
     * because nobody closes a file during them, the others because {@link #close} waits for them.
     */
    private volatile int fd;

    NativeFile(LibC libc, int fd, Statx statx, boolean direct, AioQueue.Opener queues) {
        this.libc = libc;
        this.fd = fd;
        this.facts = statx.fileFacts();
        this.requestAlignment = direct ? alignment(statx.directOffsetAlignment()) : 1;
        this.memoryAlignment = direct ? alignment(statx.directMemoryAlignment()) : 1;
        this.blockSize =
                facts.kind() == FileKind.BLOCK_DEVICE ? sectorSize() : Integer.highestOneBit(statx.blockSize());
        this.directIo = direct ? new DirectIo(queues) : null;
    }

    private static int alignment(int told) {
        return told == 0 ? SAFE_ALIGNMENT : Math.max(MIN_ALIGNMENT, told);
    }

    private int sectorSize() {
        try (Arena arena = Arena.ofConfined()) {
            Struct answer = Struct.allocate(arena, Integer.BYTES);
            int result = libc.ioctl(fd, LinuxConstants.BLKSSZGET, answer);
            return result < 0 ? SAFE_ALIGNMENT : answer.getInt(0);
        }
    }

    private final class Reading implements CachedReads.Calls {
        @Override
        public long readWithoutWaiting(long address, long length, long offset, boolean why) {
            return libc.preadWithoutWaiting(fd, address, length, offset, why);
        }

        @Override
        public long read(long address, long length, long offset) {
            return libc.pread(fd, address, length, offset);
        }
    }

    @Override
    public int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException {
        long address = target.address(targetOffset, length);
        try {
            return directIo != null
                    ? directIo.reads.run(address, length, offset)
                    : cachedReads.read(address, length, offset);
        } finally {
            Reference.reachabilityFence(target);
        }
    }

    /** How a file is read and written past the page cache. */
    private final class DirectIo {
        final LazyAioQueue queue;
        final DirectTransfer reads;
        final DirectTransfer writes;

        DirectIo(AioQueue.Opener queues) {
            queue = new LazyAioQueue(queues);
            reads = DirectTransfer.ofReads(this::startRead, NativeFile.this::readDirect, threads, requestAlignment);
            writes = DirectTransfer.ofWrites(this::startWrite, NativeFile.this::writeDirect, threads, requestAlignment);
        }

        private long startRead(long address, int length, long offset, boolean patiently) {
            return queue.run(LinuxConstants.IOCB_CMD_PREAD, fd, address, length, offset, patiently);
        }

        private long startWrite(long address, int length, long offset, boolean patiently) {
            if (patiently && !reaches(offset + length)) {
                return -LinuxConstants.EAGAIN;
            }
            return queue.run(LinuxConstants.IOCB_CMD_PWRITE, fd, address, length, offset, patiently);
        }
    }

    /** Whether the file is so long: as a rule a write that makes it longer is over before the system lets go of the thread. */
    private boolean reaches(long end) {
        if (end <= reached || facts.kind() != FileKind.REGULAR) {
            return true;
        }
        long size = libc.size(fd);
        if (size >= 0) {
            reached = size;
        }
        return end <= reached;
    }

    private int readDirect(long address, int length, long offset) throws BlockException {
        int done = 0;
        while (done < length) {
            int n = (int) check(libc.pread(fd, address + done, length - done, offset + done));
            done += n;
            if (n == 0 || (n & (requestAlignment - 1)) != 0) {
                // A read that ends inside of a block has met the end of the file.
                break;
            }
        }
        return done;
    }

    /** The page cache waits when too much of it is dirty; not all file systems would say so beforehand. */
    @Override
    public void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException {
        long address = source.address(sourceOffset, length);
        try {
            if (directIo != null) {
                directIo.writes.run(address, length, offset);
            } else if (!Thread.currentThread().isVirtual()) {
                writePages(address, length, offset);
            } else if (((offset | length) & (PAGE - 1)) == 0) {
                pageWrites.run(address, length, offset);
            } else {
                innerWrites.run(address, length, offset);
            }
            if (directIo == null) {
                writeBack.wrote(length);
            }
        } finally {
            Reference.reachabilityFence(source);
        }
    }

    private int writePages(long address, int length, long offset) throws BlockException {
        int done = 0;
        while (done < length) {
            done += writeSome(address + done, FileIo.firstPageWrite(offset + done, length - done), offset + done);
        }
        return done;
    }

    private int writeDirect(long address, int length, long offset) throws BlockException {
        int done = 0;
        while (done < length) {
            done += writeSome(address + done, length - done, offset + done);
        }
        return done;
    }

    /** At least one byte, perhaps not all. */
    private int writeSome(long address, int length, long offset) throws BlockException {
        int n = (int) check(libc.pwrite(fd, address, length, offset));
        if (n == 0) {
            throw new BlockException(Errno.ENOSPC);
        }
        return n;
    }

    @Override
    public FileFacts facts() {
        return facts;
    }

    @Override
    public long length() throws BlockException {
        return switch (facts.kind()) {
            case REGULAR -> check(libc.size(fd));
            case BLOCK_DEVICE -> deviceLength();
            default -> check(libc.lseek(fd, 0, LinuxConstants.SEEK_END));
        };
    }

    private Statx stat() throws BlockException {
        Statx.Answer answer = Statx.ofDescriptor(libc, fd);
        check(-answer.errno());
        return answer.known();
    }

    private long deviceLength() throws BlockException {
        try (Arena arena = Arena.ofConfined()) {
            Struct answer = Struct.allocate(arena, Long.BYTES);
            check(libc.ioctl(fd, LinuxConstants.BLKGETSIZE64, answer));
            return answer.getLong(0);
        }
    }

    @Override
    public void truncate(long length) throws BlockException {
        reached = 0;
        slowly(threads, () -> check(libc.ftruncate(fd, length)));
        reached = 0;
    }

    /**
     * Quick as a rule, for a hole takes no space; but it waits for whoever writes to the file in this moment, as both want the inode's
     * lock, a file system over a network asks its server, and a journal may be full.
     */
    @Override
    public void extend(long length) throws BlockException {
        extensionPace.run(threads, 0, () -> check(libc.ftruncate(fd, length)));
    }

    @Override
    public void sync() throws BlockException {
        writeBack.syncs();
        slowly(syncers, () -> check(libc.fdatasync(fd)));
    }

    /** What fails here, the next sync tells. */
    private void beginWriteBack() {
        libc.syncFileRange(fd, 0, 0, LinuxConstants.SYNC_FILE_RANGE_WRITE);
    }

    @Override
    public void zeroRange(long offset, long length) throws BlockException {
        fallocate(LinuxConstants.FALLOC_FL_ZERO_RANGE | LinuxConstants.FALLOC_FL_KEEP_SIZE, offset, length);
    }

    @Override
    public void punchHole(long offset, long length) throws BlockException {
        fallocate(LinuxConstants.FALLOC_FL_PUNCH_HOLE | LinuxConstants.FALLOC_FL_KEEP_SIZE, offset, length);
    }

    @Override
    public void allocate(long offset, long length) throws BlockException {
        fallocate(0, offset, length);
    }

    private void fallocate(int mode, long offset, long length) throws BlockException {
        slowly(threads, () -> checkFallocate(libc.fallocate(fd, mode, offset, length)));
    }

    /** What takes long would hold a virtual thread's carrier. */
    private static void slowly(IoThreads threads, IoThreads.Call<Long> call) throws BlockException {
        if (Thread.currentThread().isVirtual()) {
            threads.call(call);
        } else {
            call.run();
        }
    }

    /** Quick as a rule, but file systems over a network ask there, and a map of extents may have to be read. */
    @Override
    public BlockStatus status(long offset, long bytes) throws BlockException {
        return statusPace.run(threads, 0, () -> statusWaiting(offset, bytes));
    }

    private BlockStatus statusWaiting(long offset, long bytes) {
        long data = facts.kind() == FileKind.REGULAR ? libc.lseek(fd, offset, LinuxConstants.SEEK_DATA) : offset;
        if (data == -LinuxConstants.ENXIO) {
            return hole(offset, bytes);
        }
        if (data < 0) {
            return data(offset, bytes);
        }
        if (data > offset) {
            return hole(offset, Math.min(bytes, data - offset));
        }
        long hole = facts.kind() == FileKind.REGULAR ? libc.lseek(fd, offset, LinuxConstants.SEEK_HOLE) : -1;
        return data(offset, hole <= offset ? bytes : Math.min(bytes, hole - offset));
    }

    private static BlockStatus hole(long offset, long bytes) {
        return BlockStatus.at(BlockStatus.ZERO | BlockStatus.ALLOCATED, bytes, offset);
    }

    private static BlockStatus data(long offset, long bytes) {
        return BlockStatus.at(BlockStatus.DATA | BlockStatus.ALLOCATED, bytes, offset);
    }

    @Override
    public long allocatedSize() throws BlockException {
        return stat().blocks() * 512;
    }

    @Override
    public int requestAlignment() {
        return requestAlignment;
    }

    @Override
    public int memoryAlignment() {
        return memoryAlignment;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public LockResult lockShared(long position) {
        try (Arena arena = Arena.ofConfined()) {
            Struct lock = flock(arena, LinuxConstants.F_RDLCK, position);
            int result = libc.fcntl(fd, LinuxConstants.F_OFD_SETLK, lock);
            if (result >= 0) {
                return LockResult.GRANTED;
            }
            return result == -LinuxConstants.EAGAIN || result == -LinuxConstants.EACCES
                    ? LockResult.CONFLICT
                    : LockResult.UNSUPPORTED;
        }
    }

    @Override
    public void unlock(long position) throws BlockException {
        try (Arena arena = Arena.ofConfined()) {
            Struct lock = flock(arena, LinuxConstants.F_UNLCK, position);
            check(libc.fcntl(fd, LinuxConstants.F_OFD_SETLK, lock));
        }
    }

    @Override
    public Set<Integer> lockedByOthers(Set<Integer> positions) throws BlockException {
        Set<Integer> locked = new HashSet<>();
        for (int position : positions) {
            if (lockedByOthers(position)) {
                locked.add(position);
            }
        }
        return locked;
    }

    private boolean lockedByOthers(long position) throws BlockException {
        try (Arena arena = Arena.ofConfined()) {
            Struct lock = flock(arena, LinuxConstants.F_WRLCK, position);
            check(libc.fcntl(fd, LinuxConstants.F_OFD_GETLK, lock));
            return lock.getShort(0) != LinuxConstants.F_UNLCK;
        }
    }

    /** {@code struct flock}: l_type, l_whence, l_start, l_len, l_pid. */
    private static Struct flock(Arena arena, short type, long position) {
        Struct lock = Struct.allocate(arena, 32);
        lock.setShort(0, type);
        lock.setLong(8, position);
        lock.setLong(16, 1);
        return lock;
    }

    @Override
    public void close() throws BlockException {
        int open = fd;
        Closer closer = new Closer();
        if (directIo != null) {
            closer.run(() -> directIo.queue.close(open));
        }
        fd = -1;
        // A call under way would keep the open file, and with it its locks, beyond the close.
        writeBack.awaitIdle();
        closer.run(() -> check(libc.close(open)));
        closer.throwFirst();
    }

    private static long check(long result) throws BlockException {
        if (result < 0) {
            throw new BlockException(Errno.of((int) -result));
        }
        return result;
    }

    /** File systems have several ways to say that they cannot. */
    private static long checkFallocate(int result) throws BlockException {
        return switch (-result) {
            case LinuxConstants.EOPNOTSUPP, LinuxConstants.ENOSYS, LinuxConstants.ENODEV, LinuxConstants.ENOTTY ->
                throw new BlockException(Errno.ENOTSUP);
            default -> check(result);
        };
    }
}
