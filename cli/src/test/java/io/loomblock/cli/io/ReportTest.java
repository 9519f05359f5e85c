// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportTest {
    private static String report(long nanos, long bytes, boolean parsable) {
        ByteArrayOutputStream bytesOut = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytesOut, true, StandardCharsets.UTF_8);
        Report.print(out, "wrote", nanos, 512, bytes, parsable);
        return bytesOut.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aReportSaysHowMuchWhereAndHowFast() {
        assertThat(report(500_000, 65536, false))
                .isEqualTo("wrote 65536/65536 bytes at offset 512\n"
                        + "64 KiB, 1 ops; 00.00 sec (125 MiB/sec and 2000.0000 ops/sec)\n");
    }

    @Test
    void aReportOfAMinuteAndMoreCountsHours() {
        assertThat(report(3_725_500_000_000L, 0, false))
                .isEqualTo("wrote 0/0 bytes at offset 512\n"
                        + "0 bytes, 1 ops; 1:02:05.50 (0 bytes/sec and 0.0003 ops/sec)\n");
        assertThat(report(12_340_000_000L, 0, false)).contains("; 12.34 sec (");
    }

    @Test
    void aParsableReportIsOneLine() {
        assertThat(report(2_000_000_000L, 1024, true)).isEqualTo("1024,1,0:00:02.00,512.000,0.500\n");
    }

    @Test
    void noTimeAtAllIsNoDivisionByZero() {
        assertThat(report(0, 1, true)).isEqualTo("1,1,0:00:00.00,1000000000.000,1000000000.000\n");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 bytes",
        "512, 512 bytes",
        "0.25, 0.250000 bytes",
        "1023, 1023 bytes",
        "1024, 1 KiB",
        "1536, 1.500 KiB",
        "1048576, 1 MiB",
        "1835008, 1.750 MiB",
        "3211264, 3.062 MiB",
        "1099511627776, 1 TiB",
        "1125899906842624, 1 PiB",
        "8070450532247928832, 7 EiB",
    })
    void sizesAreShownInTheLargestUnit(double bytes, String text) {
        assertThat(Report.size(bytes)).isEqualTo(text);
    }
}
