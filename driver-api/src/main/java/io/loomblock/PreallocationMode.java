// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.Locale;

/** How much of new space is allocated at once when an image is created or grown. */
public enum PreallocationMode {
    OFF,
    METADATA,
    FALLOC,
    FULL;

    /**
     * The mode of this name on QEMU's command lines.
     *
     * @throws BlockException EINVAL, in QEMU's words, if there is none
     */
    public static PreallocationMode named(String name) throws BlockException {
        for (PreallocationMode mode : values()) {
            if (mode.optionName().equals(name)) {
                return mode;
            }
        }
        throw new BlockException(Errno.EINVAL, "invalid parameter value: " + name);
    }

    /** The name on QEMU's command lines. */
    public String optionName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
