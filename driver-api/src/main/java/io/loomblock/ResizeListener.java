// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** Hears when a disk has got another size. */
@FunctionalInterface
public interface ResizeListener {
    /**
     * Called after the change, on the thread that made it, while requests run again. Of changes that follow one another closely the
     * calls may overlap; {@link BlockDevice#length} is what holds.
     *
     * @param length the new size in bytes
     */
    void resized(long length);
}
