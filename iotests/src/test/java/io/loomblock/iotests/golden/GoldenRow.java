// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.golden;

import io.loomblock.CheckResult;
import io.loomblock.testkit.GoldenImages;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A row of the manifest: an image and what QEMU 7.2 made of it.
 *
 * @param content SHA-256 of the guest's view, or the error that QEMU gives
 * @param expect what a correct reader gives, where that is not {@code same}
 * @param afterOpenClose features and content after a writable open and a close
 */
record GoldenRow(
        String file,
        String backingFile,
        String backingFormat,
        String virtualSize,
        String clusterSize,
        String tableSize,
        String features,
        String content,
        String expect,
        String check,
        String checkExit,
        String checkRepair,
        String contentAfterRepair,
        String afterOpenClose,
        String description) {

    static final GoldenImages IMAGES = new GoldenImages(GoldenRow.class, "/golden/qed");

    /** All rows. */
    static List<GoldenRow> all() throws IOException {
        List<GoldenRow> rows = new ArrayList<>();
        for (String[] c : IMAGES.table("manifest.tsv")) {
            rows.add(new GoldenRow(
                    c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13], c[14]));
        }
        return rows;
    }

    /** A raw file that others have as backing file. */
    boolean isRaw() {
        return file.endsWith(".raw");
    }

    boolean refused() {
        return expect.startsWith("refuse-open");
    }

    /** Whether parts of the disk cannot be read. Decided: a data entry that points into an L2 table is such a part. */
    boolean unreadableParts() {
        return expect.contains("read-error");
    }

    /** The hash of the disk of an image that can be read. */
    String sha256() {
        return expect.startsWith("sha:") ? expect.substring("sha:".length()) : content;
    }

    /** The reason that QEMU gives for not opening the image, without the image's name; null if it opens it. */
    String refusal() {
        String start = "ERROR exit 1: qemu-img: Could not open '" + file + "': ";
        return content.startsWith(start) ? content.substring(start.length()) : null;
    }

    /** What a check says, in the manifest's words. */
    static String words(CheckResult result) {
        List<String> words = new ArrayList<>();
        add(words, result.corruptions(), "corruptions");
        add(words, result.leaks(), "leaks");
        add(words, result.corruptionsFixed(), "corruptions-fixed");
        add(words, result.checkErrors(), "check-errors");
        return words.isEmpty() ? "clean" : String.join(", ", words);
    }

    private static void add(List<String> words, long count, String kind) {
        if (count > 0) {
            words.add(count + " " + kind);
        }
    }

    /** The exit code that {@code qemu-img check} gives for this. */
    static int exit(CheckResult result) {
        return result.corruptions() > 0 ? 2 : result.leaks() > 0 ? 3 : 0;
    }

    @Override
    public String toString() {
        return file;
    }
}
