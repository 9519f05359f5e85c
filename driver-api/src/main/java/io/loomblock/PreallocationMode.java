// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.Locale;

/** How much of new space is allocated at once when an image is created or grown. */
public enum PreallocationMode {
    OFF,
    METADATA,
    FALLOC,
    FULL;

    /** The name on QEMU's command lines. */
    public String optionName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
