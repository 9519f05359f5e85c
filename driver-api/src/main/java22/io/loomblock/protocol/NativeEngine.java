// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.lang.foreign.Arena;

/** The engine on the system's own calls, which know holes, allocated sizes and locks that belong to a descriptor. */
final class NativeEngine implements FileEngine {
    private static final int NEW_FILE_MODE = 0644;

    private final LibC libc;
    private final AioQueue.Opener queues;

    NativeEngine(LibC libc) {
        this(libc, true);
    }

    /** With {@code asynchronous} false as where the kernel has no queues for requests, or does not let us use them. */
    NativeEngine(LibC libc, boolean asynchronous) {
        this.libc = libc;
        this.queues = asynchronous ? () -> AioQueue.open(libc) : () -> null;
    }

    @Override
    public FileFacts facts(String name) throws BlockException {
        OpenMode mode = new OpenMode(false, false, false);
        checkName(name, mode);
        return known(Statx.ofPath(libc, name), name, mode).fileFacts();
    }

    private static void checkName(String name, OpenMode mode) throws BlockException {
        if (name.indexOf('\0') >= 0) {
            throw IoErrors.cannotOpen(name, mode, Errno.EINVAL);
        }
    }

    private static Statx known(Statx.Answer answer, String name, OpenMode mode) throws BlockException {
        if (answer.errno() != 0) {
            throw IoErrors.cannotOpen(name, mode, Errno.of(answer.errno()));
        }
        return answer.known();
    }

    @Override
    public FileIo open(String name, OpenMode mode) throws BlockException {
        checkName(name, mode);
        int fd;
        try (Arena arena = Arena.ofConfined()) {
            fd = libc.open(LibC.path(arena, name), flags(mode), NEW_FILE_MODE);
        }
        if (fd < 0) {
            throw IoErrors.cannotOpen(name, mode, Errno.of(-fd));
        }
        try {
            Statx facts = known(Statx.ofDescriptor(libc, fd), name, mode);
            return new NativeFile(libc, fd, facts, mode.direct(), queues);
        } catch (BlockException | RuntimeException e) {
            libc.close(fd);
            throw e;
        }
    }

    private static int flags(OpenMode mode) {
        return (mode.writable() ? LinuxConstants.O_RDWR : LinuxConstants.O_RDONLY)
                | (mode.direct() ? LinuxConstants.O_DIRECT : 0)
                | (mode.create() ? LinuxConstants.O_CREAT : 0)
                | LinuxConstants.O_CLOEXEC;
    }
}
