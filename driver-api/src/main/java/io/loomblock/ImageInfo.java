// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BackingReference;
import io.loomblock.driver.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code img info} shows of a node and of the nodes below it.
 *
 * @param filename the name it was opened by
 * @param format name of its driver
 * @param virtualSize guest size in bytes
 * @param actualSize bytes that it takes on disk, or -1 if not known
 * @param clusterSize bytes, or 0
 * @param dirty whether the image was not closed in order
 * @param backingFilename the name recorded in the image, or null
 * @param fullBackingFilename the name by which the backing file is opened, or null
 * @param backingFormat the recorded format of the backing file, or null
 * @param formatSpecific further facts, or null if the driver has no such section
 * @param children the nodes below, by role, the backing file left out
 */
public record ImageInfo(
        String filename,
        String format,
        long virtualSize,
        long actualSize,
        long clusterSize,
        boolean dirty,
        @Nullable String backingFilename,
        @Nullable String fullBackingFilename,
        @Nullable String backingFormat,
        @Nullable Map<String, Object> formatSpecific,
        List<Child> children) {

    /**
     * A node below another.
     *
     * @param role what it is to its parent: file, data-file, …
     */
    public record Child(String role, ImageInfo info) {}

    static ImageInfo of(Node node) throws BlockException {
        DriverInfo driver = node.info();
        BackingReference reference = node.driver().backingReference();
        String full = reference == null ? null : fullBackingName(node, reference.name());
        List<Child> children = new ArrayList<>();
        for (var child : node.children().entrySet()) {
            if (!child.getKey().equals(Node.BACKING)) {
                children.add(new Child(child.getKey(), of(child.getValue())));
            }
        }
        return new ImageInfo(
                node.filename(),
                node.driver().formatName(),
                node.length(),
                node.allocatedFileSize(),
                driver.clusterSize(),
                driver.dirty(),
                reference == null ? null : reference.name(),
                full,
                reference == null ? null : reference.format(),
                driver.formatSpecific(),
                children);
    }

    /** The name that a recorded one means, or null where it is relative to nothing. */
    private static @Nullable String fullBackingName(Node node, String recorded) {
        try {
            return node.name().resolve(recorded);
        } catch (BlockException e) {
            return null;
        }
    }
}
