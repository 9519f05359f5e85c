// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.ToolException;
import io.loomblock.job.AllocationMap.Extent;
import io.loomblock.job.AllocationMap.Visitor;
import java.io.PrintStream;

/** Prints the extents of an image, as a table or as JSON on a line each. */
sealed interface MapReport extends Visitor<ToolException> {
    /** Before the first extent. */
    void begin();

    /** After the last one. */
    void end();

    /** Data only, in columns; data that has no place in a file cannot be shown there. */
    record Table(PrintStream out) implements MapReport {
        private static final int COLUMN = 16;

        @Override
        public void begin() {
            out.print("Offset          Length          Mapped to       File\n");
        }

        @Override
        public void extent(Extent extent) throws ToolException {
            if (!extent.data()) {
                return;
            }
            if (extent.offset() < 0) {
                throw ToolException.failure("File contains external, encrypted or compressed clusters.");
            }
            if (!extent.zero()) {
                String file = extent.file();
                out.print(column(extent.start())
                        + column(extent.length())
                        + column(extent.offset())
                        + (file == null ? "" : file)
                        + '\n');
            }
        }

        @Override
        public void end() {}

        /** Hexadecimal with 0x, zero without. */
        private static String column(long value) {
            String text = value == 0 ? "0" : "0x" + Long.toHexString(value);
            return text + " ".repeat(Math.max(0, COLUMN - text.length()));
        }
    }

    /** Everything, as an array of objects. */
    final class Json implements MapReport {
        private final PrintStream out;
        private final long start;
        private boolean any;

        Json(PrintStream out, long start) {
            this.out = out;
            this.start = start;
        }

        @Override
        public void begin() {
            out.print('[');
        }

        @Override
        public void extent(Extent extent) {
            if (any) {
                out.print(",\n");
            }
            any = true;
            out.print("{ \"start\": " + extent.start() + ", \"length\": " + extent.length() + ", \"depth\": "
                    + extent.depth() + ", \"present\": " + extent.present() + ", \"zero\": " + extent.zero()
                    + ", \"data\": " + extent.data());
            if (extent.offset() >= 0) {
                out.print(", \"offset\": " + extent.offset());
            }
            out.print('}');
        }

        @Override
        public void end() {
            if (!any) {
                // An empty range is shown as one extent of nothing.
                extent(new Extent(start, 0, 0, false, false, false, -1, null));
            }
            out.print("]\n");
        }
    }
}
