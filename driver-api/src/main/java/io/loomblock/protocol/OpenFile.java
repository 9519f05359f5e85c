// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.driver.Closer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One file that this process has open, with its descriptors and those who use them.
 *
 * <p>Descriptors are closed when the last user has gone, all at once: with POSIX locks, closing any one of them would drop the locks
 * of all. Used under the lock of {@link OpenFiles}, except for {@link #size}.
 */
final class OpenFile {
    private record Descriptor(OpenMode mode, FileIo io) {}

    private final FileId id;
    private final FileSize size = new FileSize();
    private final List<Descriptor> descriptors = new ArrayList<>();
    private final List<Lease> leases = new ArrayList<>();
    private @Nullable ImageLocks locks;

    OpenFile(FileId id) {
        this.id = id;
    }

    FileId id() {
        return id;
    }

    /** The file's length; regular files only. */
    FileSize size() {
        return size;
    }

    /** A descriptor that is open already and serves this mode, or null. */
    @Nullable
    FileIo find(OpenMode mode) {
        for (Descriptor descriptor : descriptors) {
            if (descriptor.mode.serves(mode)) {
                return descriptor.io;
            }
        }
        return null;
    }

    void add(OpenMode mode, FileIo io) {
        descriptors.add(new Descriptor(mode, io));
        if (locks == null) {
            locks = new ImageLocks(io);
        }
    }

    /** Takes the locks for one more user, or for what one of them ({@code except}) wants instead of what it has. */
    void takeLocks(Permissions wanted, @Nullable Lease except, String name) throws BlockException {
        List<Permissions> here = new ArrayList<>();
        for (Lease lease : leases) {
            if (lease != except) {
                here.add(lease.permissions());
            }
        }
        if (locks != null) {
            locks.take(wanted, here, name);
        }
    }

    /** Lets go of the locks that none of the users needs any more. */
    void trimLocks() throws BlockException {
        Permissions needed = Permissions.NONE;
        for (Lease lease : leases) {
            needed = needed.union(lease.permissions());
        }
        if (locks != null) {
            locks.keepOnly(needed);
        }
    }

    void enter(Lease lease) {
        leases.add(lease);
    }

    void leave(Lease lease) {
        leases.remove(lease);
    }

    boolean isUnused() {
        return leases.isEmpty();
    }

    /** Closes all descriptors, and with them goes every lock. */
    void close() throws BlockException {
        Closer closer = new Closer();
        for (Descriptor descriptor : descriptors) {
            closer.run(descriptor.io::close);
        }
        descriptors.clear();
        closer.throwFirst();
    }
}
