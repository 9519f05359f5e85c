// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.OpenOptions;

/** What a provider is told of an image whether it opens it or makes it: what it is called, and how its opener goes about names. */
public interface ImageContext {
    /** The name of the image: relative names inside are relative to it. */
    String filename();

    /** How the opener opens images: what names inside them may open, where buffers come from. */
    OpenOptions options();

    /**
     * Whether two names, in full, mean the same file; found without opening either. What cannot be told apart but by name, is told by
     * name.
     */
    default boolean isSameFile(String name, String otherName) {
        return name.equals(otherName);
    }
}
