// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/**
 * What an opener does to an image, and what it bears others to do meanwhile: QEMU's permissions, as its image locks tell them.
 *
 * @param held the permissions that it uses; bit i is permission i of {@link #name}
 * @param unshared those that it lets nobody else use
 */
record Permissions(int held, int unshared) {
    /** How many permissions there are. */
    static final int COUNT = 4;

    private static final int CONSISTENT_READ = 1;
    private static final int WRITE = 2;
    private static final int RESIZE = 8;

    /** No permissions and no objections: what {@code -U} asks for. */
    static final Permissions NONE = new Permissions(0, 0);

    static final Permissions READ_ONLY = new Permissions(CONSISTENT_READ, WRITE | RESIZE);
    static final Permissions READ_WRITE = new Permissions(CONSISTENT_READ | WRITE | RESIZE, WRITE | RESIZE);

    /** While an image is overwritten with a new one. */
    static final Permissions CREATE = new Permissions(WRITE | RESIZE, RESIZE);

    /** While another process owns the image: reads, and lets it write. */
    static final Permissions INACTIVE = new Permissions(CONSISTENT_READ, 0);

    /** The name of permission {@code i} in messages. */
    static String name(int i) {
        return switch (i) {
            case 0 -> "consistent read";
            case 1 -> "write";
            case 2 -> "write unchanged";
            case 3 -> "resize";
            default -> throw new IllegalArgumentException("permission " + i);
        };
    }

    boolean holds(int i) {
        return (held & 1 << i) != 0;
    }

    boolean refuses(int i) {
        return (unshared & 1 << i) != 0;
    }

    /** What both together use, and bear. */
    Permissions union(Permissions other) {
        return new Permissions(held | other.held, unshared | other.unshared);
    }
}
