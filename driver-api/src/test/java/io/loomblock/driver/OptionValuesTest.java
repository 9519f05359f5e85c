// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is no word of a choice is refused: by the name of the option only where the option says so. */
class OptionValuesTest {
    private static final DriverOption CHOICE = DriverOption.choice("aio", "", "threads", "native");
    private static final DriverOption NAMED = DriverOption.namedChoice("version", "", "1", "2");

    @Test
    void theWordsOfAChoiceAreTaken() throws BlockException {
        OptionValues values = OptionValues.of(
                "x does not", List.of(CHOICE, NAMED), NodeOptions.of(Map.of("aio", "native", "version", "2")));
        assertThat(values.string("aio")).isEqualTo("native");
        assertThat(values.string("version")).isEqualTo("2");
    }

    @Test
    void anotherWordOfAChoiceIsTheMessage() {
        assertRefused(CHOICE, "invalid parameter value: foo");
    }

    @Test
    void aNamedChoiceSaysWhichOptionIsWrong() {
        assertRefused(NAMED, "Parameter 'version' does not accept value 'foo'");
    }

    @Test
    void aChoiceWithADefaultOrOfAHintSaysTheSame() {
        assertRefused(NAMED.withDefault("2").asHint(), "Parameter 'version' does not accept value 'foo'");
        assertRefused(CHOICE.withDefault("native").asHint(), "invalid parameter value: foo");
    }

    private static void assertRefused(DriverOption option, String message) {
        BlockException refused = catchThrowableOfType(
                BlockException.class,
                () -> OptionValues.of("x does not", List.of(option), NodeOptions.of(Map.of(option.name(), "foo"))));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(refused.reason()).isEqualTo(message);
    }
}
