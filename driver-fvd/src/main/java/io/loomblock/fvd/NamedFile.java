// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import org.jspecify.annotations.Nullable;

/**
 * Another file as a header names it: the base image, or the data file.
 *
 * @param name as recorded; empty for none
 * @param format its format as recorded; empty to probe
 */
record NamedFile(String name, String format) {
    static final NamedFile NONE = new NamedFile("", "");

    boolean isNone() {
        return name.isEmpty();
    }

    /** The format, or null to probe. */
    @Nullable
    String formatOrNull() {
        return format.isEmpty() ? null : format;
    }
}
