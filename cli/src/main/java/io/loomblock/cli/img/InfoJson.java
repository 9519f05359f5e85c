// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.ImageInfo;
import io.loomblock.driver.Sizes;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Prints what is known of images as JSON, in the shape of QEMU 8.1's BlockGraphInfo. */
final class InfoJson {
    private InfoJson() {}

    /** Prints the images of a chain as an array, or the only image as an object. */
    static void print(List<ImageInfo> infos, boolean asArray, PrintStream out) {
        if (asArray) {
            List<Object> array = new ArrayList<>();
            infos.forEach(info -> array.add(graph(info)));
            QemuJson.print(array, out);
        } else {
            QemuJson.print(graph(infos.get(0)), out);
        }
    }

    private static Map<String, Object> graph(ImageInfo info) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("children", children(info));
        fields.put("filename", info.filename());
        fields.put("format", info.format());
        fields.put("virtual-size", Sizes.toSectors(info.virtualSize()));
        fields.put("dirty-flag", info.dirty());
        if (info.actualSize() >= 0) {
            fields.put("actual-size", info.actualSize());
        }
        if (info.clusterSize() != 0) {
            fields.put("cluster-size", info.clusterSize());
        }
        putIfKnown(fields, "backing-filename", info.backingFilename());
        putIfKnown(fields, "full-backing-filename", info.fullBackingFilename());
        putIfKnown(fields, "backing-filename-format", info.backingFormat());
        putIfKnown(fields, "format-specific", specific(info));
        return fields;
    }

    private static List<Object> children(ImageInfo info) {
        List<Object> children = new ArrayList<>();
        for (ImageInfo.Child child : info.children()) {
            children.add(Map.of("name", child.role(), "info", graph(child.info())));
        }
        return children;
    }

    /** The tagged union that QEMU prints; for files it is there although nothing is in it, and raw images show their file's. */
    private static @Nullable Map<String, Object> specific(ImageInfo info) {
        return switch (info.format()) {
            case "file", "host_device" ->
                tagged("file", info.formatSpecific() == null ? Map.of() : info.formatSpecific());
            case "raw" ->
                info.children().isEmpty()
                        ? null
                        : specific(info.children().get(0).info());
            default -> info.formatSpecific() == null ? null : tagged(info.format(), info.formatSpecific());
        };
    }

    private static Map<String, Object> tagged(String type, Map<String, Object> data) {
        return Map.of("type", type, "data", data);
    }

    private static void putIfKnown(Map<String, Object> fields, String name, @Nullable Object value) {
        if (value != null) {
            fields.put(name, value);
        }
    }
}
