// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a driver tells about its open image.
 *
 * @param clusterSize bytes, or 0 for formats without clusters
 * @param dirty whether the image was not closed in order and wants a check
 * @param formatSpecific further facts by name, in the order to print them; null if there is no such section
 */
public record DriverInfo(
        long clusterSize, boolean dirty, @Nullable Map<String, Object> formatSpecific) {
    /** Nothing to tell. */
    public static final DriverInfo NONE = new DriverInfo(0, false, null);
}
