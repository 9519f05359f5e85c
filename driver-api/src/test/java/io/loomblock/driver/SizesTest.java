// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.driver.Sizes.Problem;
import io.loomblock.driver.Sizes.SizeException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes are read and shown as QEMU's tools do; the expected values were taken from qemu-img. */
class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1000, 1000",
        "010, 10",
        "0x10, 16",
        "0X1e, 30",
        "1b, 1",
        "1B, 1",
        "1k, 1024",
        "1K, 1024",
        "1.5M, 1572864",
        "1., 1",
        "1.k, 1024",
        ".5k, 512",
        "1.0, 1",
        "0.1k, 102",
        "0.00049k, 1",
        "0.0000001k, 0",
        "123.456G, 132559870624",
        "1t, 1099511627776",
        "1p, 1125899906842624",
        "1e, 1152921504606846976",
        "+1k, 1024",
        "' 1k', 1024",
        "9223372036854775807, 9223372036854775807",
        "18446744073709551615, -1",
        "0x10k, 16384"
    })
    void sizesHaveBinaryUnits(String text, long bytes) throws SizeException {
        assertThat(Sizes.parseUnsigned(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "x", "1x", "-1", "-0", "1e3", "1.5", "1.5b", "1.5.5M", "0x", "0x1.8", "1kB", "1k ", ".k", ".", "inf"
            })
    void otherTextsAreNoSizes(String text) {
        assertThatThrownBy(() -> Sizes.parseUnsigned(text))
                .isInstanceOfSatisfying(
                        SizeException.class, e -> assertThat(e.problem()).isEqualTo(Problem.MALFORMED));
        assertThat(Sizes.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"16E", "18446744073709551616", "99999999999999999999999", "0x10000000000000000"})
    void sizesEndBelowTwoToThe64(String text) {
        assertThatThrownBy(() -> Sizes.parseUnsigned(text))
                .isInstanceOfSatisfying(
                        SizeException.class, e -> assertThat(e.problem()).isEqualTo(Problem.TOO_LARGE));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "512, 512 B",
        "999, 999 B",
        "1000, 0.977 KiB",
        "1024, 1 KiB",
        "4608, 4.5 KiB",
        "200704, 196 KiB",
        "1023898, 1e+03 KiB",
        "1024000, 0.977 MiB",
        "1048576, 1 MiB",
        "4000256, 3.81 MiB",
        "67108864, 64 MiB",
        "1099511627776, 1 TiB",
        "9223372036854775807, 8 EiB"
    })
    void peopleSeeThreeDigits(long bytes, String text) {
        assertThat(Sizes.human(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"3.125, 3.12", "3.375, 3.38", "0, 0.00", "100, 100.00", "66.66666666, 66.67"})
    void twoDecimalsAreRoundedAsInC(double value, String text) {
        assertThat(Sizes.twoDecimals(value)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 512", "512, 512", "513, 1024", "9223372036854775807, 9223372036854775296"})
    void sectorsAreRoundedUp(long bytes, long rounded) {
        assertThat(Sizes.toSectors(bytes)).isEqualTo(rounded);
    }
}
