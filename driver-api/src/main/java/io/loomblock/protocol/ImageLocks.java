// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * QEMU's image locking on one file, for all openers in this process together.
 *
 * <p>A shared lock on byte {@value #HELD} + i says that permission i is in use, one on byte {@value #UNSHARED} + i that nobody else
 * may use it. Whoever has taken its locks then looks for others on the bytes that exclude it; so of two who come at once at least one
 * sees the other. On file systems without locks openers go on without. Used under the lock of {@link OpenFiles}.
 */
final class ImageLocks {
    private static final int HELD = 100;
    private static final int UNSHARED = 200;

    private final FileIo file;
    private Permissions locked = Permissions.NONE;
    private boolean supported = true;

    /** The locks live on this descriptor. */
    ImageLocks(FileIo file) {
        this.file = file;
    }

    /**
     * Refuses {@code wanted} where an opener in this process, or in another, stands against it, and takes its locks otherwise.
     *
     * @param here what the openers in this process have
     * @param name of the file, for the message
     * @throws BlockException EAGAIN in QEMU's words, the second line of which asks whether another process uses the image
     */
    void take(Permissions wanted, Iterable<Permissions> here, String name) throws BlockException {
        checkConflicts(wanted, name, i -> any(here, i, true), i -> any(here, i, false));
        Permissions before = locked;
        try {
            lock(wanted, name);
            if (supported) {
                checkOthers(wanted, name);
            }
        } catch (BlockException e) {
            keepAfter(e, before);
            throw e;
        }
    }

    /** Lets go of all locks but those of {@code needed}. */
    void keepOnly(Permissions needed) throws BlockException {
        for (int i = 0; i < Permissions.COUNT; i++) {
            if (locked.holds(i) && !needed.holds(i)) {
                file.unlock(HELD + i);
            }
            if (locked.refuses(i) && !needed.refuses(i)) {
                file.unlock(UNSHARED + i);
            }
        }
        locked = new Permissions(locked.held() & needed.held(), locked.unshared() & needed.unshared());
    }

    private void keepAfter(BlockException failure, Permissions needed) {
        try {
            keepOnly(needed);
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    private void lock(Permissions wanted, String name) throws BlockException {
        for (int i = 0; i < Permissions.COUNT && supported; i++) {
            if (wanted.holds(i) && !locked.holds(i)) {
                lockByte(HELD + i, new Permissions(1 << i, 0), name);
            }
        }
        for (int i = 0; i < Permissions.COUNT && supported; i++) {
            if (wanted.refuses(i) && !locked.refuses(i)) {
                lockByte(UNSHARED + i, new Permissions(0, 1 << i), name);
            }
        }
    }

    private void lockByte(int position, Permissions gained, String name) throws BlockException {
        switch (file.lockShared(position)) {
            case GRANTED -> locked = locked.union(gained);
            case CONFLICT -> throw inUse("Failed to lock byte " + position, name);
            case UNSUPPORTED -> supported = false;
        }
    }

    private void checkOthers(Permissions wanted, String name) throws BlockException {
        Set<Integer> asked = new HashSet<>();
        for (int i = 0; i < Permissions.COUNT; i++) {
            if (wanted.holds(i)) {
                asked.add(UNSHARED + i);
            }
            if (wanted.refuses(i)) {
                asked.add(HELD + i);
            }
        }
        Set<Integer> locked = asked.isEmpty() ? asked : file.lockedByOthers(asked);
        checkConflicts(wanted, name, i -> locked.contains(UNSHARED + i), i -> locked.contains(HELD + i));
    }

    private static void checkConflicts(
            Permissions wanted, String name, IntPredicate refusedByOthers, IntPredicate heldByOthers)
            throws BlockException {
        for (int i = 0; i < Permissions.COUNT; i++) {
            if (wanted.holds(i) && refusedByOthers.test(i)) {
                throw inUse("Failed to get \"" + Permissions.name(i) + "\" lock", name);
            }
        }
        for (int i = 0; i < Permissions.COUNT; i++) {
            if (wanted.refuses(i) && heldByOthers.test(i)) {
                throw inUse("Failed to get shared \"" + Permissions.name(i) + "\" lock", name);
            }
        }
    }

    private static boolean any(Iterable<Permissions> all, int i, boolean refuses) {
        for (Permissions one : all) {
            if (refuses ? one.refuses(i) : one.holds(i)) {
                return true;
            }
        }
        return false;
    }

    private static BlockException inUse(String what, String name) {
        return new BlockException(Errno.EAGAIN, what + "\nIs another process using the image [" + name + "]?");
    }
}
