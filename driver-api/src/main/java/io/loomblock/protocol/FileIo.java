// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.Set;

/**
 * An open file descriptor: the seam between the protocols and the two ways to reach the system, {@link ChannelFile} and FFM.
 *
 * <p>All methods may be called by any number of threads at once and are immune to interrupts. Offsets and lengths are bytes. Failures
 * are {@link BlockException}s with the system's errno.
 */
interface FileIo extends AutoCloseable {
    /**
     * So many bytes are handed to the page cache at once, at most. It keeps a file in pieces as long as the writes that made them: memory
     * for long ones can take many times as long to find, and later small writes to them cost more.
     */
    int LONGEST_PAGE_WRITE = 128 << 10;

    /**
     * Reads into one piece of memory.
     *
     * @return how many bytes there were: less than {@code length} only at the end of the file
     */
    int read(long offset, AlignedBuffer target, int targetOffset, int length) throws BlockException;

    /**
     * How many of {@code length} bytes go to the page cache first. Pieces end at multiples of {@link #LONGEST_PAGE_WRITE}: no page is
     * written in two parts because of them, of which the first would wait for the device to read the second.
     */
    static int firstPageWrite(long offset, int length) {
        int inside = (int) (offset & (LONGEST_PAGE_WRITE - 1));
        return Math.min(length, LONGEST_PAGE_WRITE - inside);
    }

    /** Writes one piece of memory, all of it. */
    void write(long offset, AlignedBuffer source, int sourceOffset, int length) throws BlockException;

    /** Reads into a vector; like {@link #read}, which it calls for each piece unless the system has something better. */
    default int readv(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        int done = 0;
        while (done < bytes) {
            int piece = qiov.pieceAt(qiovOffset + done);
            int inside = qiovOffset + done - qiov.start(piece);
            int n = Math.min(bytes - done, qiov.length(piece) - inside);
            int got = read(offset + done, qiov.buffer(piece), qiov.offset(piece) + inside, n);
            done += got;
            if (got < n) {
                break;
            }
        }
        return done;
    }

    /** Writes a vector; like {@link #write}, which it calls for each piece unless the system has something better. */
    default void writev(long offset, int bytes, IoVector qiov, int qiovOffset) throws BlockException {
        for (int done = 0; done < bytes; ) {
            int piece = qiov.pieceAt(qiovOffset + done);
            int inside = qiovOffset + done - qiov.start(piece);
            int n = Math.min(bytes - done, qiov.length(piece) - inside);
            write(offset + done, qiov.buffer(piece), qiov.offset(piece) + inside, n);
            done += n;
        }
    }

    /** What was opened. */
    FileFacts facts() throws BlockException;

    /** Length of the file, or of the device, as the system knows it now. */
    long length() throws BlockException;

    /** Sets the length of a file; what is gained reads as zeros. */
    void truncate(long length) throws BlockException;

    /**
     * Makes a file longer, by a hole; like {@link #truncate}, which it calls unless it has something better.
     *
     * @param length no less than it has: nobody writes past its end meanwhile, or what is written there may be cut off
     */
    default void extend(long length) throws BlockException {
        truncate(length);
    }

    /** Makes completed writes durable, and as much metadata as is needed to read them back. */
    void sync() throws BlockException;

    /** Makes a range read as zeros and keeps its space; may make the file longer. ENOTSUP where the system cannot. */
    void zeroRange(long offset, long length) throws BlockException;

    /** Gives the space of a range back, which reads as zeros then; the length stays. ENOTSUP where the system cannot. */
    void punchHole(long offset, long length) throws BlockException;

    /** Takes space for a range, and makes the file at least that long. ENOTSUP where the system cannot. */
    void allocate(long offset, long length) throws BlockException;

    /** Data or hole at {@code offset}, which is below the length; at most {@code bytes} long. */
    BlockStatus status(long offset, long bytes) throws BlockException;

    /** Bytes that the file takes on disk; -1 where the system does not tell. */
    long allocatedSize() throws BlockException;

    /** What offsets and lengths of requests must be multiples of; 1 with the page cache. */
    int requestAlignment();

    /** What addresses of memory must be multiples of; 1 with the page cache. */
    int memoryAlignment();

    /** The unit in which the file system keeps data, or the device's blocks; a power of two. */
    int blockSize();

    /** Takes a shared lock on one byte, for as long as this is open; bytes far outside of the file are as good as any. */
    LockResult lockShared(long position) throws BlockException;

    /** Lets go of it again. */
    void unlock(long position) throws BlockException;

    /** On which of these bytes another process (with OFD locks: another descriptor) holds a lock. */
    Set<Integer> lockedByOthers(Set<Integer> positions) throws BlockException;

    /** Closes; on POSIX systems all locks of this process on the file may go with it. */
    @Override
    void close() throws BlockException;
}
