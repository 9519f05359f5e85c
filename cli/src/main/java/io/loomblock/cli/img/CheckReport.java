// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.CheckResult;
import io.loomblock.driver.Sizes;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Prints what a check found, for people or as JSON.
 *
 * @param quiet nothing is printed, no JSON either, as by QEMU's tool
 */
record CheckReport(String filename, String format, boolean json, boolean quiet, PrintStream out) {
    /** Tells what was repaired, before the check that follows a repair. */
    void repaired(CheckResult result) {
        if (!json && !quiet) {
            out.print("The following inconsistencies were found and repaired:\n\n    " + result.leaksFixed()
                    + " leaked clusters\n    " + result.corruptionsFixed()
                    + " corruptions\n\nDouble checking the fixed image now...\n");
        }
    }

    void print(CheckResult result) {
        if (quiet) {
            return;
        }
        if (json) {
            QemuJson.print(fields(result), out);
        } else {
            findings(result);
            clusters(result);
        }
    }

    private void findings(CheckResult result) {
        if (result.isClean()) {
            out.print("No errors were found on the image.\n");
            return;
        }
        if (result.corruptions() != 0) {
            out.print("\n" + result.corruptions() + " errors were found on the image.\n"
                    + "Data may be corrupted, or further writes to the image may corrupt it.\n");
        }
        if (result.leaks() != 0) {
            out.print("\n" + result.leaks() + " leaked clusters were found on the image.\n"
                    + "This means waste of disk space, but no harm to data.\n");
        }
        if (result.checkErrors() != 0) {
            out.print("\n" + result.checkErrors() + " internal errors have occurred during the check.\n");
        }
    }

    private void clusters(CheckResult result) {
        long allocated = result.allocatedClusters();
        if (result.totalClusters() != 0 && allocated != 0) {
            out.print(allocated + "/" + result.totalClusters() + " = "
                    + percent(allocated, result.totalClusters()) + " allocated, "
                    + percent(result.fragmentedClusters(), allocated) + " fragmented, "
                    + percent(result.compressedClusters(), allocated) + " compressed clusters\n");
        }
        if (result.imageEndOffset() != 0) {
            out.print("Image end offset: " + result.imageEndOffset() + "\n");
        }
    }

    private static String percent(long part, long whole) {
        return Sizes.twoDecimals(part * 100.0 / whole) + "%";
    }

    private Map<String, Object> fields(CheckResult result) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("filename", filename);
        fields.put("format", format);
        fields.put("check-errors", result.checkErrors());
        putIfAny(fields, "image-end-offset", result.imageEndOffset());
        putIfAny(fields, "corruptions", result.corruptions());
        putIfAny(fields, "leaks", result.leaks());
        putIfAny(fields, "corruptions-fixed", result.corruptionsFixed());
        putIfAny(fields, "leaks-fixed", result.leaksFixed());
        putIfAny(fields, "total-clusters", result.totalClusters());
        putIfAny(fields, "allocated-clusters", result.allocatedClusters());
        putIfAny(fields, "fragmented-clusters", result.fragmentedClusters());
        putIfAny(fields, "compressed-clusters", result.compressedClusters());
        return fields;
    }

    private static void putIfAny(Map<String, Object> fields, String name, long value) {
        if (value != 0) {
            fields.put(name, value);
        }
    }
}
