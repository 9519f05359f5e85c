// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

/** Flags of a request; a driver says which it knows by {@link Limits}, and {@link Node} emulates or strips the rest. */
public final class RequestFlags {
    /** The write is durable when it returns (force unit access). */
    public static final int FUA = 0x01;
    /** A zero write may give space back. */
    public static final int MAY_UNMAP = 0x02;
    /** A zero write fails with ENOTSUP rather than writing zeros byte by byte. */
    public static final int NO_FALLBACK = 0x04;
    /** The write does not change what the guest reads. */
    public static final int WRITE_UNCHANGED = 0x08;
    /** The request waits for, and holds up, every request that overlaps it. */
    public static final int SERIALISING = 0x10;
    /** The request fails with EAGAIN rather than waiting for one that overlaps it. */
    public static final int NO_WAIT = 0x20;

    /** What a read finds in the backing file is kept in the image. */
    public static final int COPY_ON_READ = 0x40;

    private RequestFlags() {}
}
