// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.lang.foreign.Arena;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The answer of {@code statx}, the stat whose layout is the same on every architecture.
 *
 * @param mode type and permissions
 * @param inode number in its file system
 * @param size length in bytes
 * @param blocks allocated, of 512 bytes each
 * @param device number of the file system
 * @param blockSize of the file system, in bytes
 * @param directMemoryAlignment what O_DIRECT wants of memory; 0 where the kernel does not tell
 * @param directOffsetAlignment what it wants of offsets and lengths; likewise
 */
record Statx(
        int mode,
        long inode,
        long size,
        long blocks,
        long device,
        int blockSize,
        int directMemoryAlignment,
        int directOffsetAlignment) {
    /** Of {@code struct statx}. */
    static final int BYTES = 256;
    /** Where it has the length. */
    static final int SIZE_OFFSET = 40;

    private static final int AT_FDCWD = -100;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;

    /**
     * What lies under a path, or at an open descriptor.
     *
     * @param facts null if that failed
     * @param errno why; 0 otherwise
     */
    record Answer(@Nullable Statx facts, int errno) {
        /** What there is, if it did not fail. */
        Statx known() {
            return Objects.requireNonNull(facts);
        }
    }

    static Answer ofPath(LibC libc, String path) {
        try (Arena arena = Arena.ofConfined()) {
            return ask(libc, arena, AT_FDCWD, path, 0);
        }
    }

    static Answer ofDescriptor(LibC libc, int fd) {
        try (Arena arena = Arena.ofConfined()) {
            return ask(libc, arena, fd, "", LinuxConstants.AT_EMPTY_PATH);
        }
    }

    private static Answer ask(LibC libc, Arena arena, int fd, String path, int flags) {
        Struct answer = Struct.allocate(arena, BYTES);
        int result = libc.statx(fd, LibC.path(arena, path), flags, STATX_BASIC_STATS | STATX_DIOALIGN, answer);
        return result < 0 ? new Answer(null, -result) : new Answer(decode(answer), 0);
    }

    private static Statx decode(Struct s) {
        boolean direct = (s.getInt(0) & STATX_DIOALIGN) != 0;
        long major = s.getInt(136);
        long minor = s.getInt(140);
        return new Statx(
                s.getShort(28) & 0xffff,
                s.getLong(32),
                s.getLong(SIZE_OFFSET),
                s.getLong(48),
                major << 32 | minor,
                s.getInt(4),
                direct ? s.getInt(152) : 0,
                direct ? s.getInt(156) : 0);
    }

    FileFacts fileFacts() {
        return new FileFacts(new FileId(device, inode), FileKind.ofMode(mode));
    }
}
