// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configuration files are read as QEMU 7.2 reads them, with its messages for wrong ones. */
class IniFileTest {
    private static final Set<String> KNOWN = Set.of("inject-error", "set-state");

    @Test
    void groupsCommentsAndValuesAreRead() throws Exception {
        assertThat(IniFile.parse("""
                        # a comment

                        [inject-error]
                          event = "read_aio"  # ignored
                        errno = "5"
                        errno = "28"
                        [set-state "named"] ignored
                        event = ""
                        state
                        """, KNOWN))
                .containsExactly(
                        new IniFile.Group("inject-error", Map.of("event", "read_aio", "errno", "28")),
                        new IniFile.Group("set-state", Map.of("event", "", "state", "")));
        assertThat(IniFile.parse("", KNOWN)).isEmpty();
        assertThat(IniFile.parse("[inject-error]\r\nevent = \"none\"", KNOWN))
                .containsExactly(new IniFile.Group("inject-error", Map.of("event", "none")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "[nope]|There is no option group 'nope'",
                "[ inject-error ]|There is no option group ' inject-error '",
                "[inject-error \"\"]|There is no option group 'inject-error \"\"'",
                "event = \"none\"|no group defined",
                "[]|no group defined",
                "[inject-error]~   ~event = \"none\"|parse error",
                "[inject-error \"1x\"]|Parameter 'id' expects an identifier",
                "[inject-error \"x\"]~[inject-error \"x\"]|Duplicate ID 'x' for inject-error",
            })
    void wrongOnesAreRefused(String text, String message) {
        assertThatThrownBy(() -> IniFile.parse(text.replace('~', '\n') + "\n", KNOWN))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.reason()).startsWith(message));
    }
}
