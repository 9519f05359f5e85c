// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.cli.OptionList.Entry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The text of {@code -o} is split as QEMU splits it. */
class OptionListTest {
    @Test
    void aDoubledCommaIsPartOfTheValue() {
        assertThat(OptionList.split("a=1,,2,b=,c,d=x=y"))
                .containsExactly(
                        new Entry("a", "1,2"), new Entry("b", ""), new Entry("c", null), new Entry("d", "x=y"));
    }

    @Test
    void severalListsAreOne() throws ToolException {
        assertThat(OptionList.join(OptionList.join(null, "a=1"), "b=2")).isEqualTo("a=1,b=2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "a=1,", ",a=1"})
    void listsWithLooseCommasAreRefused(String list) {
        assertThatThrownBy(() -> OptionList.join(null, list))
                .isInstanceOf(ToolException.class)
                .hasMessage("Invalid option list: " + list);
    }

    @Test
    void helpMayBeAskedForAnywhere() {
        assertThat(OptionList.asksForHelp("a=1,help")).isTrue();
        assertThat(OptionList.asksForHelp("?,a=1")).isTrue();
        assertThat(OptionList.asksForHelp("a=help")).isFalse();
        assertThat(OptionList.asksForHelp(null)).isFalse();
    }
}
