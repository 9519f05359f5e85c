// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.CheckResult;
import io.loomblock.cli.ToolException;
import io.loomblock.job.AllocationMap.Extent;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What {@code check}, {@code map} and {@code -p} print, in cases that an image made by QEMU does not have. */
class ReportsTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    private String printed() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aCheckTellsEverythingThatItFound() {
        CheckResult result = new CheckResult(2, 3, 1, 0, 0, 4096, 64, 4, 0, 1);
        new CheckReport("x", "qed", false, false, out).print(result);
        assertThat(printed()).isEqualTo("""

                        2 errors were found on the image.
                        Data may be corrupted, or further writes to the image may corrupt it.

                        3 leaked clusters were found on the image.
                        This means waste of disk space, but no harm to data.

                        1 internal errors have occurred during the check.
                        4/64 = 6.25% allocated, 25.00% fragmented, 0.00% compressed clusters
                        Image end offset: 4096
                        """);
    }

    @Test
    void aQuietCheckPrintsNothing() {
        CheckResult result = new CheckResult(2, 3, 0, 1, 0, 0, 0, 0, 0, 0);
        CheckReport quiet = new CheckReport("x", "qed", false, true, out);
        quiet.repaired(result);
        quiet.print(result);
        new CheckReport("x", "qed", true, true, out).print(result);
        assertThat(printed()).isEmpty();
        new CheckReport("x", "qed", true, false, out).print(result);
        assertThat(printed())
                .contains("\"corruptions\": 2", "\"corruptions-fixed\": 1", "\"leaks\": 3")
                .doesNotContain("leaks-fixed", "total-clusters");
    }

    @Test
    void aTableCannotShowDataWithoutAPlace() throws ToolException {
        MapReport table = new MapReport.Table(out);
        table.extent(new Extent(0, 4096, 0, true, true, false, -1, null));
        assertThatThrownBy(() -> table.extent(new Extent(4096, 4096, 0, true, false, true, -1, null)))
                .isInstanceOf(ToolException.class)
                .hasMessage("File contains external, encrypted or compressed clusters.");
    }

    @Test
    void progressIsShownInStepsAndAtTheEnd() {
        try (ProgressLine line = new ProgressLine(true, 2, out)) {
            line.advanced(1, 100);
            line.advanced(3, 100);
            line.advanced(4, 100);
            line.advanced(1000, 100);
            line.complete();
        }
        assertThat(printed()).isEqualTo("    (0.00/100%)\r    (3.00/100%)\r    (100.00/100%)\r    (100.00/100%)\r\n");
    }

    @Test
    void progressThatNobodyWantsIsSilent() {
        try (ProgressLine line = new ProgressLine(false, 2, out)) {
            line.complete();
        }
        assertThat(printed()).isEmpty();
    }
}
