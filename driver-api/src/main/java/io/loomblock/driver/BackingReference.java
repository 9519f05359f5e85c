// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import org.jspecify.annotations.Nullable;

/**
 * A backing file as an image records it.
 *
 * @param name as it stands in the image
 * @param format as recorded, or null if the format is to be probed
 */
public record BackingReference(String name, @Nullable String format) {
    /** That of an image which records none; who opens it may name one all the same. */
    public static final BackingReference NONE = new BackingReference("", null);
}
