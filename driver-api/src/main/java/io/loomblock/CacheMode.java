// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** How writes reach the disk: QEMU's cache modes, each a choice of three switches. */
public enum CacheMode {
    /** Page cache; writes are durable after a flush. */
    WRITEBACK("writeback", false, true, false),
    /** O_DIRECT; writes are durable after a flush. */
    NONE("none", true, true, false),
    /** Page cache; every write is durable when it returns. */
    WRITETHROUGH("writethrough", false, false, false),
    /** O_DIRECT; every write is durable when it returns. */
    DIRECTSYNC("directsync", true, false, false),
    /** Page cache; a flush does not reach the disk: for images that may be lost with the machine. */
    UNSAFE("unsafe", false, true, true);

    private final String optionName;
    private final boolean direct;
    private final boolean writeback;
    private final boolean noFlush;

    CacheMode(String optionName, boolean direct, boolean writeback, boolean noFlush) {
        this.optionName = optionName;
        this.direct = direct;
        this.writeback = writeback;
        this.noFlush = noFlush;
    }

    /** The name on QEMU's command lines. */
    public String optionName() {
        return optionName;
    }

    /** Whether the page cache is bypassed. */
    public boolean direct() {
        return direct;
    }

    /** Whether a write may return before it is durable. */
    public boolean writeback() {
        return writeback;
    }

    /** Whether flushes stop before the disk. */
    public boolean noFlush() {
        return noFlush;
    }

    /**
     * The mode with this name; {@code off} is another name of {@link #NONE}.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static CacheMode ofName(String name) {
        if (name.equals("off")) {
            return NONE;
        }
        for (CacheMode mode : values()) {
            if (mode.optionName.equals(name)) {
                return mode;
            }
        }
        throw new IllegalArgumentException("Invalid cache option: " + name);
    }
}
