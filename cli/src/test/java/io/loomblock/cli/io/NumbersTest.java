// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NumbersTest {
    private final ByteArrayOutputStream warnings = new ByteArrayOutputStream();

    private long size(String text) throws CommandRefused {
        return Numbers.size(text, new PrintStream(warnings, true, StandardCharsets.UTF_8), "io");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "010, 10",
        "+1, 1",
        "0x10, 16",
        "0X1e, 30",
        "1b, 1",
        "1k, 1024",
        "1M, 1048576",
        "1.5k, 1536",
        "1.k, 1024",
        "1., 1",
        "1.0, 1",
        "1.0b, 1",
        "1.1k, 1126",
        "0.9k, 922",
        "1234.5678M, 1294538165",
        "1e, 1152921504606846976",
        "7E, 8070450532247928832",
        "0.1E, 115292150460684698",
        "9223372036854775807, 9223372036854775807"
    })
    void sizesAreReadAsQemuReadsThem(String text, long bytes) throws Exception {
        assertThat(size(text)).isEqualTo(bytes);
        assertThat(warnings.size()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", ".", "x", "-1", "0x", "0xg", "1.5", "0.5", "1e3", "1.5e2", "1.5b", "1kb", "1KiB", "1kk", "0x1.8k",
                "1,5", "nan", "inf", "00x1", "1s"
            })
    void whatIsNoSizeIsRefused(String text) {
        assertThatThrownBy(() -> size(text))
                .isInstanceOf(CommandRefused.class)
                .hasMessage("Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- " + text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"8E", "16E", "9223372036854775808", "99999999999999999999999", "9007199254740993k"})
    void sizesOf63BitsAndMoreAreTooLarge(String text) {
        assertThatThrownBy(() -> size(text)).hasMessage("Parsing error: argument too large -- " + text);
    }

    @Test
    void aSuffixOnAHexadecimalNumberIsWarnedOf() throws Exception {
        assertThat(size("0x10k")).isEqualTo(16384);
        assertThat(warnings.toString(StandardCharsets.UTF_8))
                .isEqualTo("io: warning: Using a multiplier suffix on hex numbers is deprecated: 0x10k\n");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "255, -1", "0xff, -1", "0377, -1", "+5, 5", "0X0a, 10"})
    void patternsAreBytesInAnyBase(String text, byte value) throws Exception {
        assertThat(Numbers.pattern(text)).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(strings = {"256", "-1", "0400", "08", "x", "0x", "1k", "99999999999999999999"})
    void otherPatternsAreRefused(String text) {
        assertThatThrownBy(() -> Numbers.pattern(text)).hasMessage(text + " is not a valid pattern byte");
    }

    @Test
    void aHugeNaturalNumberIsCapped() throws Exception {
        assertThat(Numbers.natural("99999999999999999999")).isEqualTo(Long.MAX_VALUE);
        assertThatThrownBy(() -> Numbers.natural("-2")).hasMessage("-2 is not a valid number");
    }
}
