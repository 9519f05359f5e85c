// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Another file as a header names it: the base image, or the data file.
 *
 * @param name as recorded; empty for none
 * @param format its format as recorded; empty to probe
 */
record NamedFile(String name, String format) {
    static final NamedFile NONE = new NamedFile("", "");

    /**
     * A file that a header of this layout has room for.
     *
     * @param name not empty
     * @param format null to probe
     * @throws BlockException EINVAL for a name or a format that is too long, or has a NUL
     */
    static NamedFile checked(String name, @Nullable String format, HeaderFormat layout) throws BlockException {
        requireFits(name, layout.maxName(), "File name");
        String recorded = format == null ? "" : format;
        requireFits(recorded, layout.maxFormatName(), "Name of a format");
        return new NamedFile(name, recorded);
    }

    /**
     * Checks a string of a header.
     *
     * @param max bytes of UTF-8
     * @throws BlockException EINVAL
     */
    static void requireFits(String text, int max, String what) throws BlockException {
        if (text.indexOf('\0') >= 0) {
            throw new BlockException(Errno.EINVAL, what + " contains a NUL character");
        }
        if (text.getBytes(StandardCharsets.UTF_8).length > max) {
            throw new BlockException(Errno.EINVAL, what + " is too long for an FVD image");
        }
    }

    boolean isNone() {
        return name.isEmpty();
    }

    /** The format, or null to probe. */
    @Nullable
    String formatOrNull() {
        return format.isEmpty() ? null : format;
    }
}
