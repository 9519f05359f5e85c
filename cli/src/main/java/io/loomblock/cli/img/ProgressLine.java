// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.driver.Sizes;
import io.loomblock.job.JobProgress;
import java.io.PrintStream;

/** The line {@code     (12.34/100%)} that {@code -p} shows, on a terminal or not. For one thread at a time. */
final class ProgressLine implements JobProgress, AutoCloseable {
    private static final double END = 100;

    private final boolean enabled;
    private final double step;
    private final PrintStream out;
    private double lastPrinted;

    /**
     * Shows the first line, 0%.
     *
     * @param step by how many percent it must have moved to be shown again
     */
    ProgressLine(boolean enabled, double step, PrintStream out) {
        this.enabled = enabled;
        this.step = step;
        this.out = out;
        show(0);
    }

    @Override
    public void advanced(long done, long total) {
        show(total == 0 ? END : (float) done / total * (float) END);
    }

    /** Shows that all is done. */
    void complete() {
        show(END);
    }

    private void show(double percent) {
        if (enabled && (percent == 0 || percent >= END || Math.abs(percent - lastPrinted) > step)) {
            lastPrinted = Math.min(percent, END);
            out.print("    (" + Sizes.twoDecimals(lastPrinted) + "/100%)\r");
            out.flush();
        }
    }

    /** Leaves the line. */
    @Override
    public void close() {
        if (enabled) {
            out.print('\n');
        }
    }
}
