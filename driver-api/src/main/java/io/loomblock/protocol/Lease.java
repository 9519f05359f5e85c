// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;

/** One opener's share in an {@link OpenFile}: a descriptor, and permissions that hold until it is closed. Thread-safe. */
final class Lease implements AutoCloseable {
    private final OpenFiles files;
    private final OpenFile file;
    private final FileIo io;
    private final String name;
    private volatile Permissions permissions;

    Lease(OpenFiles files, OpenFile file, FileIo io, String name, Permissions permissions) {
        this.files = files;
        this.file = file;
        this.io = io;
        this.name = name;
        this.permissions = permissions;
    }

    FileIo io() {
        return io;
    }

    FileId id() {
        return file.id();
    }

    /** The length of the file, shared by all who have it open. */
    FileSize size() {
        return file.size();
    }

    OpenFile file() {
        return file;
    }

    String name() {
        return name;
    }

    Permissions permissions() {
        return permissions;
    }

    /** Takes other permissions in place of these; where they cannot be had, these stay. EAGAIN as at open. */
    void change(Permissions wanted) throws BlockException {
        files.change(this, wanted);
    }

    /** A descriptor of the same file in another mode; it stays open as long as the file does. */
    FileIo descriptor(OpenMode mode) throws BlockException {
        return files.descriptor(this, mode);
    }

    /** Called by {@link OpenFiles}, which has taken the locks. */
    void granted(Permissions now) {
        permissions = now;
    }

    /** Gives the share back; the last one to do so closes the file. */
    @Override
    public void close() throws BlockException {
        files.close(this);
    }
}
