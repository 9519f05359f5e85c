// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CheckResult;
import io.loomblock.DriverInfo;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * An open image, protocol or filter: the interface on which everything stands ({@code BlockDriver} of QEMU's block_int.h, bytes in
 * place of sectors, blocking calls in place of coroutines).
 *
 * <p>Drivers are called through a {@link Node} only, which has already checked bounds, access and alignment ({@link #limits}).
 * Every method may be called by any number of threads at once, virtual threads as a rule; a request runs to its end on the thread
 * that calls it. The memory of a request belongs to the caller and is not touched after the call returns. Every failure is a
 * {@link BlockException}.
 *
 * <p>Requests carry their memory as (qiov, qiovOffset): the bytes used are {@code [qiovOffset, qiovOffset + bytes)} of the vector.
 */
public interface BlockDriver extends AutoCloseable {
    /** Name of the format, protocol or filter: qed, raw, file, … */
    String formatName();

    /** Length in bytes: of the guest's disk for a format, of the file for a protocol. */
    long length() throws BlockException;

    /** What this driver wants of requests. May change only inside a drained section. */
    default Limits limits() {
        return Limits.NONE;
    }

    /** Whether writes past the end make it longer, and reads past the end give zeros: true for protocols that grow, which do both. */
    default boolean growable() {
        return false;
    }

    /**
     * What tells this file from all others, whatever name it was opened by (device and inode, say); null if there is no such
     * thing. Equal objects mean the same file.
     */
    default @Nullable Object identity() {
        return null;
    }

    /**
     * The node below that a filter shows as its own: status and backing file are that node's. Null for formats and protocols.
     */
    default @Nullable Node filtered() {
        return null;
    }

    /**
     * Reads {@code bytes} bytes at {@code offset} into {@code qiov} from {@code qiovOffset} on. A protocol gives zeros past the end
     * of its file.
     */
    void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException;

    /**
     * Writes {@code bytes} bytes of {@code qiov} from {@code qiovOffset} on to {@code offset}.
     *
     * <p>The caller's memory is not to be changed, and may be of the opener's pool ({@code OpenOptions.pool}). A driver that copies guest
     * data, here or in a read, and asks other nodes for anything while it has the copy, keeps a {@link io.loomblock.memory.BufferPool} of its
     * own for that: in the opener's its copies would wait for memory that is held by those who wait for them.
     */
    void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException;

    /**
     * Makes the range read as zeros, aligned to {@link Limits#zeroAlignment}.
     *
     * @throws BlockException ENOTSUP if this can't be done without writing the zeros: Node then does that
     */
    default void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    /** Tells that the range is not needed any more; a hint, by default without effect. */
    default void coDiscard(long offset, long bytes) throws BlockException {}

    /** Hands metadata that is held back in memory to the operating system, in the order the format needs. */
    default void flushToOs() throws BlockException {}

    /** Makes completed writes durable on the driver's own storage (fsync); formats leave that to their children. */
    default void flushToDisk() throws BlockException {}

    /**
     * The status of the range that starts at {@code offset}, uniform over the returned length of at most {@code bytes}.
     *
     * @param offset below {@link #length}
     * @param bytes above 0 and inside the image
     */
    default BlockStatus blockStatus(long offset, long bytes) throws BlockException {
        return BlockStatus.of(BlockStatus.DATA | BlockStatus.ALLOCATED, bytes);
    }

    /** Whether everything that was never written reads as zeros, right after {@code create}. */
    default boolean hasZeroInit() {
        return false;
    }

    /** Bytes that the image takes on disk, or -1 if the driver leaves that to its file. */
    default long allocatedFileSize() throws BlockException {
        return -1;
    }

    /** Cluster size, dirty state and further facts; to gather them may be to read all metadata. */
    default DriverInfo info() throws BlockException {
        return DriverInfo.NONE;
    }

    /** Cluster size in bytes, 0 if there is none: what {@link #info} says, without its cost; who overrides this overrides both. */
    default long clusterSize() throws BlockException {
        return info().clusterSize();
    }

    /**
     * Sets the length; the drained section around it is the caller's.
     *
     * @param length new length in bytes
     * @param exact whether it may not come out larger than asked
     * @throws BlockException ENOTSUP if the driver cannot; EINVAL for a length that it cannot have
     */
    default void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        throw new BlockException(Errno.ENOTSUP, "Image format driver does not support resize");
    }

    /** Checks the metadata and repairs what {@code fix} allows; the drained section around it is the caller's. */
    default CheckResult check(FixMode fix) throws BlockException {
        throw new BlockException(Errno.ENOTSUP, "This image format does not support checks");
    }

    /** The backing file as the image records it, or null. */
    default @Nullable BackingReference backingReference() {
        return null;
    }

    /**
     * Records another backing file, or none; only the reference changes.
     *
     * @param name null for none
     * @param format its format, or null if it is not known
     */
    default void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    /**
     * Changes settings of the image; the drained section around it is the caller's.
     *
     * @param values what was given of {@link BlockDriverProvider#amendOptions}, checked; all of it is done, or nothing
     * @throws BlockException ENOTSUP if the driver has no such settings, EINVAL for a value that the image cannot have
     */
    default void amend(OptionValues values) throws BlockException {
        throw new BlockException(
                Errno.ENOTSUP, "Format driver '" + formatName() + "' does not support option amendment");
    }

    /** Drops all data of this layer, so that the backing file shows through. */
    default void makeEmpty() throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }

    /**
     * Another process is about to own the image: whatever would be lost when {@link #invalidateCache} forgets it may be written here for the
     * last time, while the files can still be written. Drained and flushed; nodes come before those below them. Should the hand-over fail
     * below, {@link #invalidateCache} takes the image back.
     *
     * @throws BlockException if that cannot be written; the driver goes on as before
     */
    default void inactivate() throws BlockException {}

    /**
     * Whether {@link #invalidateCache} may come: asked of a whole graph, from its top down, before anything in it is forgotten.
     *
     * @throws BlockException EBUSY if what is cached must not be forgotten, having been written nowhere yet
     */
    default void prepareInvalidation() throws BlockException {}

    /**
     * Forgets everything that is cached, writing nothing of it, and reads the image anew: another process may have changed it. Requests
     * are kept away; work behind the scenes is the driver's to stop.
     *
     * @param activate whether the image is ours to write from now on
     */
    default void invalidateCache(boolean activate) throws BlockException {}

    /** Before the driver is reopened writable or read-only: checks that it can, and prepares. */
    default void reopenPrepare(boolean writable) throws BlockException {}

    /** Makes what was prepared real. */
    default void reopenCommit() {}

    /** Drops what was prepared. */
    default void reopenAbort() {}

    /** Requests stop coming until {@link #drainEnd}; work behind the scenes finishes now. */
    default void drainBegin() {}

    /** Requests come again. */
    default void drainEnd() {}

    /**
     * Whether writes are refused until the image is reopened, because metadata was lost. Reads go on; one that would leave a copy leaves
     * none.
     */
    default boolean refusesWrites() {
        return false;
    }

    /**
     * Whether {@link #debugEvent} does more than to pass events on to children. Nodes above which nobody hears anything are not told of
     * any, so that a request pays nothing for them. Does not change.
     */
    default boolean hearsEvents() {
        return false;
    }

    /** A named point in the code of the driver above is about to be passed (blkdebug listens here). */
    default void debugEvent(DebugEvent event) throws BlockException {}

    /** Releases everything but the children, which the Node closes. Called once, without requests in flight. */
    @Override
    void close() throws BlockException;
}
