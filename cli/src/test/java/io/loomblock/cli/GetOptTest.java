// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.cli.GetOpt.LongOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Command lines are read as by getopt_long. */
class GetOptTest {
    private static final LongOption[] LONG = {
        LongOption.flag("help", 'h'),
        LongOption.valued("format", 'f'),
        LongOption.valued("output", 300),
        LongOption.valued("object", 301),
        LongOption.flag("out", 302)
    };

    /** What was found, as text: letters with arguments, then the operands. */
    private static String parse(String shortOptions, String... words) {
        String[] args = new String[words.length + 1];
        args[0] = "tool";
        System.arraycopy(words, 0, args, 1, words.length);
        GetOpt options = new GetOpt(args, shortOptions, LONG);
        List<String> found = new ArrayList<>();
        for (int option = options.next(); option != GetOpt.END; option = options.next()) {
            switch (option) {
                case GetOpt.UNKNOWN -> found.add("?" + options.offender());
                case GetOpt.MISSING_ARGUMENT -> found.add(":" + options.offender());
                case 'h', 'q', 302 -> found.add(option == 302 ? "out" : String.valueOf((char) option));
                default -> found.add((option == 'f' ? "f" : "o" + option) + "=" + options.argument());
            }
        }
        return found + " " + List.of(options.operands());
    }

    @Test
    void shortOptionsMayBeClustered() {
        assertThat(parse("hqf:", "-qh", "-qfraw", "-f", "qed", "x")).isEqualTo("[q, h, q, f=raw, f=qed] [x]");
    }

    @Test
    void operandsMayStandBetweenOptions() {
        assertThat(parse("hqf:", "a", "-q", "b", "-f", "raw", "c", "-h", "d")).isEqualTo("[q, f=raw, h] [a, b, c, d]");
    }

    @Test
    void aPlusStopsAtTheFirstOperand() {
        assertThat(parse("+hqf:", "-q", "a", "-h")).isEqualTo("[q] [a, -h]");
    }

    @Test
    void twoDashesEndTheOptions() {
        assertThat(parse("hqf:", "a", "-q", "--", "-h", "b")).isEqualTo("[q] [a, -h, b]");
        assertThat(parse("+hq", "--", "-h")).isEqualTo("[] [-h]");
    }

    @Test
    void aSingleDashIsAnOperand() {
        assertThat(parse("hq", "-", "-q")).isEqualTo("[q] [-]");
    }

    @Test
    void longOptionsTakeTheirArgumentEitherWay() {
        assertThat(parse("hq", "--output=json", "--object", "x", "--output="))
                .isEqualTo("[o300=json, o301=x, o300=] []");
    }

    @Test
    void longOptionsMayBeCutShortWhileTheyAreUnique() {
        assertThat(parse("hq", "--he", "--outp", "x", "--fo=raw")).isEqualTo("[h, o300=x, f=raw] []");
        assertThat(parse("hq", "--o")).isEqualTo("[?--o] []");
        assertThat(parse("hq", "--out")).isEqualTo("[out] []");
    }

    @Test
    void misuseIsNamedByTheWordBeforeTheNext() {
        assertThat(parse("hq", "--foo", "x")).isEqualTo("[?--foo] [x]");
        assertThat(parse("hq", "--help=x")).isEqualTo("[?--help=x] []");
        assertThat(parse("hqf:", "-f")).isEqualTo("[:-f] []");
        assertThat(parse("hq", "--object")).isEqualTo("[:--object] []");
        assertThat(parse("hq", "-qZ")).isEqualTo("[q, ?-qZ] []");
        // A letter inside of a cluster is reported by the word before it, as QEMU's tools do.
        assertThat(parse("hqf:", "-f", "qed", "-Zq")).isEqualTo("[f=qed, ?qed, q] []");
    }

    @Test
    void complaintsAreThoseOfTheCLibrary() {
        assertThat(complaint("-x")).isEqualTo("invalid option -- 'x'");
        assertThat(complaint("-q:")).isEqualTo("invalid option -- ':'");
        assertThat(complaint("-f")).isEqualTo("option requires an argument -- 'f'");
        assertThat(complaint("--bogus=1")).isEqualTo("unrecognized option '--bogus'");
        assertThat(complaint("--object")).isEqualTo("option '--object' requires an argument");
        assertThat(complaint("--help=1")).isEqualTo("option '--help' doesn't allow an argument");
        assertThat(complaint("--o"))
                .isEqualTo("option '--o' is ambiguous; possibilities: '--output' '--object' '--out'");
    }

    @Test
    void withoutLongOptionsASecondDashIsALetter() {
        assertThat(complaint("--help", new LongOption[0])).isEqualTo("invalid option -- '-'");
    }

    private static String complaint(String word) {
        return complaint(word, LONG);
    }

    private static String complaint(String word, LongOption[] longOptions) {
        GetOpt options = new GetOpt(new String[] {"tool", word}, "qf:", longOptions);
        int found = options.next();
        while (found != GetOpt.UNKNOWN && found != GetOpt.MISSING_ARGUMENT) {
            assertThat(found).isNotEqualTo(GetOpt.END);
            found = options.next();
        }
        return options.complaint();
    }
}
