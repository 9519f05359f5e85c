// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.ImageInfo;
import io.loomblock.driver.Sizes;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** Prints what is known of images for people, as qemu-img 8.1 does. */
final class InfoText {
    private static final int INDENT = 4;

    private final PrintStream out;

    private InfoText(PrintStream out) {
        this.out = out;
    }

    /** Prints the images of a chain, the top first. */
    static void print(List<ImageInfo> chain, PrintStream out) {
        InfoText printer = new InfoText(out);
        boolean first = true;
        for (ImageInfo info : chain) {
            if (!first) {
                out.print('\n');
            }
            first = false;
            printer.node(info, 0, "/");
        }
    }

    /** {@code path} is where the node is in the graph, with a slash at the end. */
    private void node(ImageInfo info, int depth, String path) {
        // A node that stands on nothing is not an image for a guest, except where the user asked for that very node.
        boolean storage = depth > 0 && info.children().isEmpty();
        String indent = " ".repeat(depth * INDENT);
        long size = Sizes.toSectors(info.virtualSize());
        line(indent, storage ? "filename" : "image", info.filename());
        line(indent, storage ? "protocol type" : "file format", info.format());
        line(indent, storage ? "file length" : "virtual size", Sizes.human(size) + " (" + size + " bytes)");
        line(indent, "disk size", info.actualSize() < 0 ? "unavailable" : Sizes.human(info.actualSize()));
        if (info.clusterSize() != 0) {
            line(indent, "cluster_size", Long.toString(info.clusterSize()));
        }
        if (info.dirty()) {
            line(indent, "cleanly shut down", "no");
        }
        backing(info, indent);
        specific(info, indent);
        for (ImageInfo.Child child : info.children()) {
            String childPath = path + child.role();
            out.print(indent + "Child node '" + childPath + "':\n");
            node(child.info(), depth + 1, childPath + '/');
        }
    }

    private void backing(ImageInfo info, String indent) {
        String name = info.backingFilename();
        if (name != null) {
            String full = info.fullBackingFilename();
            line(
                    indent,
                    "backing file",
                    full == null
                            ? name + " (cannot determine actual path)"
                            : full.equals(name) ? name : name + " (actual path: " + full + ")");
        }
        if (info.backingFormat() != null) {
            line(indent, "backing file format", info.backingFormat());
        }
    }

    private void specific(ImageInfo info, String indent) {
        Map<String, Object> facts = info.formatSpecific();
        if (facts != null && !facts.isEmpty()) {
            out.print(indent + "Format specific information:\n");
            facts.forEach((name, value) -> line(indent + " ".repeat(INDENT), name.replace('-', ' '), value.toString()));
        }
    }

    private void line(String indent, String name, String value) {
        out.print(indent + name + ": " + value + "\n");
    }
}
