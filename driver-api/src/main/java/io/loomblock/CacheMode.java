// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.List;

/**
 * How writes reach the disk: three switches, of which QEMU's cache modes are choices.
 *
 * @param direct whether the page cache is bypassed (O_DIRECT)
 * @param writeback whether a write may return before it is durable
 * @param noFlush whether flushes stop before the disk
 */
public record CacheMode(boolean direct, boolean writeback, boolean noFlush) {
    /** Page cache; writes are durable after a flush. */
    public static final CacheMode WRITEBACK = new CacheMode(false, true, false);
    /** O_DIRECT; writes are durable after a flush. */
    public static final CacheMode NONE = new CacheMode(true, true, false);
    /** Page cache; every write is durable when it returns. */
    public static final CacheMode WRITETHROUGH = new CacheMode(false, false, false);
    /** O_DIRECT; every write is durable when it returns. */
    public static final CacheMode DIRECTSYNC = new CacheMode(true, false, false);
    /** Page cache; a flush does not reach the disk: for images that may be lost with the machine. */
    public static final CacheMode UNSAFE = new CacheMode(false, true, true);

    private record Named(String name, CacheMode mode) {}

    /** Two names for one mode: the first is the one to show. */
    private static final List<Named> NAMES = List.of(
            new Named("writeback", WRITEBACK),
            new Named("none", NONE),
            new Named("off", NONE),
            new Named("writethrough", WRITETHROUGH),
            new Named("directsync", DIRECTSYNC),
            new Named("unsafe", UNSAFE));

    /** The same, with or without the page cache. */
    public CacheMode withDirect(boolean value) {
        return new CacheMode(value, writeback, noFlush);
    }

    /** The same, with flushes that stop before the disk or do not. */
    public CacheMode withNoFlush(boolean value) {
        return new CacheMode(direct, writeback, value);
    }

    /**
     * The mode with this name on QEMU's command lines.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static CacheMode ofName(String name) {
        for (Named named : NAMES) {
            if (named.name.equals(name)) {
                return named.mode;
            }
        }
        throw new IllegalArgumentException("Invalid cache option: " + name);
    }
}
