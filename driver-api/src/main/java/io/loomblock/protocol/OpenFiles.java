// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * All files that this process has open, by identity: a file that is opened again, under whatever name, shares what is there.
 *
 * <p>Openers in this process exclude one another by the rules, and with the words, that hold between processes. Thread-safe.
 */
final class OpenFiles {
    private final FileEngine engine;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<FileId, OpenFile> files = new HashMap<>();

    OpenFiles(FileEngine engine) {
        this.engine = engine;
    }

    /** The one of this process. */
    static OpenFiles shared() {
        return Shared.INSTANCE;
    }

    private static final class Shared {
        static final OpenFiles INSTANCE = new OpenFiles(Engines.best());
    }

    /** Whether a protocol takes what a name means. */
    @FunctionalInterface
    interface KindCheck {
        /** Throws the refusal. */
        void check(String name, OpenMode mode, FileKind kind) throws BlockException;
    }

    /** The identity of the file of this name, or null if there is none. */
    @Nullable
    FileId identify(String name) {
        try {
            return engine.facts(name).id();
        } catch (BlockException e) {
            return null;
        }
    }

    /**
     * Opens a file, or shares in one that is open.
     *
     * @throws BlockException of the system ({@code Could not open …}), of {@code check}, or EAGAIN if somebody else uses the file
     */
    Lease open(String name, OpenMode mode, Permissions permissions, KindCheck check) throws BlockException {
        lock.lock();
        try {
            OpenFile file = null;
            FileIo io = null;
            FileFacts facts = lookAt(name, mode);
            if (facts != null) {
                // Before it is opened: opening a pipe, say, would wait for somebody at its other end.
                check.check(name, mode, facts.kind());
                file = files.get(facts.id());
                io = file == null ? null : file.find(mode);
            }
            if (file == null || io == null) {
                io = engine.open(name, mode);
                // The name may mean another file by now.
                file = files.computeIfAbsent(io.facts().id(), OpenFile::new);
                file.add(mode, io);
            }
            return lease(file, io, name, mode, permissions, check);
        } finally {
            lock.unlock();
        }
    }

    private @Nullable FileFacts lookAt(String name, OpenMode mode) throws BlockException {
        try {
            return engine.facts(name);
        } catch (BlockException e) {
            if (mode.create()) {
                return null;
            }
            throw e;
        }
    }

    private Lease lease(OpenFile file, FileIo io, String name, OpenMode mode, Permissions permissions, KindCheck check)
            throws BlockException {
        try {
            FileKind kind = io.facts().kind();
            check.check(name, mode, kind);
            file.takeLocks(permissions, null, name);
            Lease lease = new Lease(this, file, io, name, permissions);
            if (kind == FileKind.REGULAR) {
                file.size().refresh(io);
            }
            file.enter(lease);
            return lease;
        } catch (BlockException e) {
            giveUp(file, e);
            throw e;
        }
    }

    private void giveUp(OpenFile file, BlockException failure) {
        try {
            closeUnused(file);
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    void change(Lease lease, Permissions wanted) throws BlockException {
        lock.lock();
        try {
            lease.file().takeLocks(wanted, lease, lease.name());
            lease.granted(wanted);
            lease.file().trimLocks();
        } finally {
            lock.unlock();
        }
    }

    FileIo descriptor(Lease lease, OpenMode mode) throws BlockException {
        lock.lock();
        try {
            OpenFile file = lease.file();
            FileIo io = file.find(mode);
            if (io == null) {
                io = engine.open(lease.name(), mode);
                if (!io.facts().id().equals(file.id())) {
                    refuseOther(io, mode, lease.name());
                }
                file.add(mode, io);
            }
            return io;
        } finally {
            lock.unlock();
        }
    }

    /** The name means another file by now. If that is open too, its POSIX locks would go with the new descriptor: it is kept there. */
    private void refuseOther(FileIo io, OpenMode mode, String name) throws BlockException {
        OpenFile other = files.get(io.facts().id());
        if (other == null) {
            io.close();
        } else {
            other.add(mode, io);
        }
        throw new BlockException(Errno.ESTALE, "'" + name + "' is another file by now");
    }

    void close(Lease lease) throws BlockException {
        lock.lock();
        try {
            lease.file().leave(lease);
            closeUnused(lease.file());
        } finally {
            lock.unlock();
        }
    }

    private void closeUnused(OpenFile file) throws BlockException {
        if (file.isUnused()) {
            files.remove(file.id());
            file.close();
        } else {
            file.trimLocks();
        }
    }

    /** QEMU's words for a name that means the wrong kind of thing. */
    static BlockException wrongKind(String driver, String name, String wanted) {
        return new BlockException(Errno.EINVAL, "'" + driver + "' driver requires '" + name + "' to be " + wanted);
    }
}
