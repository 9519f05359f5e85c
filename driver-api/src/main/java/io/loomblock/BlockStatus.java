// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/**
 * What is known of a range of an image: the answer to {@code blockStatus}, uniform over {@link #length} bytes.
 *
 * @param flags a union of the constants of this class
 * @param length how many bytes from the position asked for are in this state; above 0 unless nothing was asked for
 * @param hostOffset where the range starts in the layer's file, if {@link #OFFSET_VALID} is set; else -1
 */
public record BlockStatus(int flags, long length, long hostOffset) {
    /** The range is data of this layer that lies somewhere. */
    public static final int DATA = 0x01;
    /** The range reads as zeros. */
    public static final int ZERO = 0x02;
    /** {@link #hostOffset} says where the data lies. */
    public static final int OFFSET_VALID = 0x04;
    /** This layer alone decides what the range reads as; otherwise its backing file does. */
    public static final int ALLOCATED = 0x08;
    /** The range ends at the end of the layer. */
    public static final int EOF = 0x10;
    /** The layer adds nothing: its file knows the status, at {@link #hostOffset}. */
    public static final int RAW = 0x20;

    /** A status without a host offset. */
    public static BlockStatus of(int flags, long length) {
        return new BlockStatus(flags, length, -1);
    }

    /** A status with one. */
    public static BlockStatus at(int flags, long length, long hostOffset) {
        return new BlockStatus(flags | OFFSET_VALID, length, hostOffset);
    }

    public boolean isData() {
        return (flags & DATA) != 0;
    }

    public boolean isZero() {
        return (flags & ZERO) != 0;
    }

    public boolean isAllocated() {
        return (flags & ALLOCATED) != 0;
    }

    public boolean hasHostOffset() {
        return (flags & OFFSET_VALID) != 0;
    }

    public boolean isRaw() {
        return (flags & RAW) != 0;
    }

    /** The same with other flags. */
    public BlockStatus withFlags(int newFlags) {
        return new BlockStatus(newFlags, length, hostOffset);
    }

    /** The same, at most {@code max} bytes long. */
    public BlockStatus clip(long max) {
        return length <= max ? this : new BlockStatus(flags & ~EOF, max, hostOffset);
    }
}
