// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.cli.io.GetOpt.LongOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GetOptTest {
    private static final List<LongOption> LONG = List.of(
            LongOption.value("cmd", 'c'),
            LongOption.flag("copy-on-read", 'C'),
            LongOption.value("cache", 't'),
            LongOption.flag("help", 'h'));

    private static List<String> parse(String... args) throws GetOpt.BadOption {
        GetOpt options = new GetOpt("io", List.of(args), "qP:hc:t:C", LONG);
        List<String> seen = new ArrayList<>();
        for (char option = options.next(); option != GetOpt.END; option = options.next()) {
            seen.add(option + "=" + options.value());
        }
        seen.addAll(options.operands());
        return seen;
    }

    @Test
    void optionsMayFollowOperandsAndBeBundled() throws Exception {
        assertThat(parse("0", "-qP", "5", "512", "-P6", "-")).containsExactly("q=", "P=5", "P=6", "0", "512", "-");
    }

    @Test
    void aDoubleDashEndsTheOptions() throws Exception {
        assertThat(parse("-q", "--", "-P", "--help")).containsExactly("q=", "-P", "--help");
    }

    @Test
    void longOptionsMayBeShortened() throws Exception {
        assertThat(parse("--cm", "l", "--cache=none", "--he")).containsExactly("c=l", "t=none", "h=");
    }

    @Test
    void anOptionTakesWhateverFollowsAsItsValue() throws Exception {
        assertThat(parse("-P", "-q", "--cmd", "--help")).containsExactly("P=-q", "c=--help");
    }

    @Test
    void messagesAreThoseOfTheCLibrary() {
        assertThatThrownBy(() -> parse("-x")).hasMessage("io: invalid option -- 'x'");
        assertThatThrownBy(() -> parse("-q:")).hasMessage("io: invalid option -- ':'");
        assertThatThrownBy(() -> parse("-P")).hasMessage("io: option requires an argument -- 'P'");
        assertThatThrownBy(() -> parse("--bogus=1")).hasMessage("io: unrecognized option '--bogus'");
        assertThatThrownBy(() -> parse("--cmd")).hasMessage("io: option '--cmd' requires an argument");
        assertThatThrownBy(() -> parse("--help=1")).hasMessage("io: option '--help' doesn't allow an argument");
        assertThatThrownBy(() -> parse("--c"))
                .hasMessage("io: option '--c' is ambiguous; possibilities: '--cmd' '--copy-on-read' '--cache'");
    }

    @Test
    void withoutLongOptionsASecondDashIsALetter() {
        assertThatThrownBy(() -> new GetOpt("read", List.of("--help"), "q", List.of()).next())
                .hasMessage("read: invalid option -- '-'");
    }
}
