// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** Kinds of things that a name may mean to the system. */
enum FileKind {
    REGULAR,
    DIRECTORY,
    BLOCK_DEVICE,
    CHARACTER_DEVICE,
    /** Pipes, sockets. */
    OTHER;

    private static final int TYPE_MASK = 0xf000;

    /** The kind that a Unix file mode tells. */
    static FileKind ofMode(int mode) {
        return switch (mode & TYPE_MASK) {
            case 0x8000 -> REGULAR;
            case 0x4000 -> DIRECTORY;
            case 0x6000 -> BLOCK_DEVICE;
            case 0x2000 -> CHARACTER_DEVICE;
            default -> OTHER;
        };
    }

    boolean isDevice() {
        return this == BLOCK_DEVICE || this == CHARACTER_DEVICE;
    }
}
