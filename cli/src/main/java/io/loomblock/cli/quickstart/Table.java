// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.CheckResult;
import io.loomblock.driver.Sizes;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Prints how the images did: a line of figures for each as it is done, and at the end the pictures of all. */
final class Table {
    private static final String LINE = "%-20s %-6s %9s %9s %9s %11s %9s  %-9s %s";
    private static final int NAME_WIDTH = 20;

    private final PrintStream out;
    private final List<Outcome> outcomes = new ArrayList<>();
    private boolean begun;

    Table(PrintStream out) {
        this.out = out;
    }

    /**
     * Says what is going to be done, the first time.
     *
     * @param verified how much of the disks is
     */
    void begin(Settings settings, String verified) {
        if (begun) {
            return;
        }
        begun = true;
        line("%d virtual threads make random requests of each image; %s (seed %d)"
                .formatted(settings.threads(), verified, settings.seed()));
        line("");
        line(LINE.formatted(
                "image", "format", "disk", "requests", "written", "throughput", "on disk", "check", "converted to"));
    }

    void add(Outcome outcome) {
        outcomes.add(outcome);
        Workload.Figures figures = outcome.figures();
        ImageFacts image = outcome.image();
        double seconds = Math.max(1, figures.nanos()) / 1e9;
        line(LINE.formatted(
                shortened(outcome.name()),
                image.format(),
                Sizes.human(outcome.diskBytes()),
                figures.requests(),
                Sizes.human(figures.bytesWritten()),
                Sizes.human((long) (figures.bytesWritten() / seconds)) + "/s",
                image.allocatedBytes() < 0 ? "?" : Sizes.human(image.allocatedBytes()),
                check(image.check()),
                outcome.converted()));
        out.flush();
    }

    void end() {
        if (outcomes.isEmpty()) {
            return;
        }
        line("");
        line("What each image has allocated itself (" + AllocationPicture.LEGEND + "):");
        for (Outcome outcome : outcomes) {
            line("%-20s %s".formatted(shortened(outcome.name()), outcome.image().picture()));
        }
    }

    private static String check(@Nullable CheckResult check) {
        if (check == null) {
            return "none";
        }
        return check.isClean() ? "clean" : check.corruptions() + " bad, " + check.leaks() + " leaks";
    }

    private static String shortened(String name) {
        return name.length() <= NAME_WIDTH ? name : "…" + name.substring(name.length() - NAME_WIDTH + 1);
    }

    private void line(String text) {
        out.print(text.stripTrailing() + "\n");
    }
}
