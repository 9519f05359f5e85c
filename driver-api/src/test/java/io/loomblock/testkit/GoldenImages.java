// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** Images made by other programs, kept compressed among the resources of a test module. */
public final class GoldenImages {
    private final Class<?> anchor;
    private final String directory;

    /**
     * The images of a directory.
     *
     * @param anchor a class of the module whose resources they are
     * @param directory absolute name of the resource directory, e.g. {@code /golden/qed}
     */
    public GoldenImages(Class<?> anchor, String directory) {
        this.anchor = anchor;
        this.directory = directory;
    }

    /** Writes an image, uncompressed, into a directory. */
    public Path unpack(String name, Path target) throws IOException {
        Path file = target.resolve(name);
        try (InputStream in = new GZIPInputStream(open(name + ".gz"), 1 << 16)) {
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }

    /** The bytes of an image. */
    public byte[] bytes(String name) throws IOException {
        try (InputStream in = new GZIPInputStream(open(name + ".gz"), 1 << 16)) {
            return in.readAllBytes();
        }
    }

    /** The text of a resource. */
    public String text(String name) throws IOException {
        try (InputStream in = open(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The rows of a tab-separated table, the header left out. */
    public List<String[]> table(String name) throws IOException {
        List<String[]> rows = new ArrayList<>();
        for (String line : text(name).split("\n")) {
            if (!line.isEmpty()) {
                rows.add(line.split("\t", -1));
            }
        }
        return rows.subList(1, rows.size());
    }

    private InputStream open(String name) throws IOException {
        InputStream in = anchor.getResourceAsStream(directory + "/" + name);
        if (in == null) {
            throw new IOException("no resource " + directory + "/" + name);
        }
        return in;
    }
}
