// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OptionValues;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rule language of the fault injector. spec: block-layer.md section 8. */
class FaultRulesTest {
    private static FaultRules rules(String... pairs) throws BlockException {
        return new FaultRules(FaultRuleReader.read(null, values(pairs)));
    }

    private static OptionValues values(String... pairs) throws BlockException {
        TreeMap<String, String> values = new TreeMap<>();
        for (String pair : pairs) {
            int split = pair.indexOf('=');
            values.put(pair.substring(0, split), pair.substring(split + 1));
        }
        return OptionValues.of(new BlkdebugProvider(), NodeOptions.of(values));
    }

    private static Errno fault(FaultRules rules) {
        return rules.fault(RequestKind.WRITE, 4096, 512);
    }

    @Test
    void withoutRulesNothingFails() throws Exception {
        FaultRules rules = rules();
        assertThat(rules.reached(DebugEvent.L2_LOAD)).isEmpty();
        assertThat(fault(rules)).isNull();
    }

    @Test
    void anErrorHoldsFromItsEventOnUntilOthersReplaceIt() throws Exception {
        FaultRules rules =
                rules("inject-error.0.event=l2_load", "inject-error.1.event=l1_update", "inject-error.1.errno=28");
        assertThat(fault(rules)).isNull();
        rules.reached(DebugEvent.L2_LOAD);
        assertThat(fault(rules)).isEqualTo(Errno.EIO);
        assertThat(fault(rules)).as("until replaced").isEqualTo(Errno.EIO);
        rules.reached(DebugEvent.WRITE_AIO);
        assertThat(fault(rules)).as("an event without rules replaces nothing").isEqualTo(Errno.EIO);
        rules.reached(DebugEvent.L1_UPDATE);
        assertThat(fault(rules)).isEqualTo(Errno.ENOSPC);
    }

    @Test
    void noneHoldsFromTheStart() throws Exception {
        FaultRules rules = rules("inject-error.0.event=none", "inject-error.0.iotype=read");
        assertThat(fault(rules)).isNull();
        assertThat(rules.fault(RequestKind.READ, 0, 1)).isEqualTo(Errno.EIO);
    }

    @Test
    void onceIsUsedUpByTheFirstRequestThatFits() throws Exception {
        FaultRules rules = rules(
                "inject-error.0.event=write_aio",
                "inject-error.0.once=on",
                "inject-error.1.event=write_aio",
                "inject-error.1.errno=28",
                "inject-error.1.once=yes");
        rules.reached(DebugEvent.WRITE_AIO);
        assertThat(fault(rules)).as("the first that was given").isEqualTo(Errno.EIO);
        assertThat(fault(rules)).isEqualTo(Errno.ENOSPC);
        assertThat(fault(rules)).isNull();
        rules.reached(DebugEvent.WRITE_AIO);
        assertThat(fault(rules)).isNull();
    }

    @Test
    void aSectorIsHitByRequestsThatTouchIt() throws Exception {
        FaultRules rules = rules("inject-error.0.event=none", "inject-error.0.sector=8");
        assertThat(rules.fault(RequestKind.READ, 4095, 1)).isNull();
        assertThat(rules.fault(RequestKind.READ, 4095, 2)).isEqualTo(Errno.EIO);
        assertThat(rules.fault(RequestKind.READ, 4096, 1)).isEqualTo(Errno.EIO);
        assertThat(rules.fault(RequestKind.READ, 4097, 4096)).isNull();
        assertThat(rules.fault(RequestKind.FLUSH, 0, 0))
                .as("a flush is nowhere")
                .isNull();
    }

    @Test
    void aKindMustBeNamedForBlockStatusOnly() throws Exception {
        FaultRules usual = rules("inject-error.0.event=none");
        for (RequestKind kind : RequestKind.values()) {
            assertThat(usual.fault(kind, 0, 0))
                    .as("%s", kind)
                    .isEqualTo(kind == RequestKind.BLOCK_STATUS ? null : Errno.EIO);
            FaultRules one = rules("inject-error.0.event=none", "inject-error.0.iotype=" + kind.optionName());
            for (RequestKind other : RequestKind.values()) {
                assertThat(one.fault(other, 0, 1)).isEqualTo(kind == other ? Errno.EIO : null);
            }
        }
    }

    @Test
    void aRuleWithoutAnErrorShieldsFromThoseAfterIt() throws Exception {
        FaultRules rules = rules(
                "inject-error.0.event=none",
                "inject-error.0.errno=0",
                "inject-error.0.once=on",
                "inject-error.1.event=none");
        assertThat(fault(rules)).isNull();
        assertThat(fault(rules)).isNull();
    }

    @Test
    void statesChangeAfterAllRulesOfTheirEvent() throws Exception {
        FaultRules rules = rules(
                "set-state.0.event=l2_load",
                "set-state.0.state=1",
                "set-state.0.new_state=2",
                "set-state.1.event=l2_load",
                "set-state.1.state=2",
                "set-state.1.new_state=3",
                "inject-error.0.event=l2_load",
                "inject-error.0.state=2",
                "inject-error.0.once=on",
                "inject-error.1.event=l1_update",
                "inject-error.1.state=3");
        rules.reached(DebugEvent.L2_LOAD);
        assertThat(fault(rules)).as("state 1 at the event").isNull();
        rules.reached(DebugEvent.L2_LOAD);
        assertThat(fault(rules)).as("state 2 at the event").isEqualTo(Errno.EIO);
        rules.reached(DebugEvent.L1_UPDATE);
        assertThat(fault(rules)).as("state 3").isEqualTo(Errno.EIO);
    }

    @Test
    void rulesOfTheFileComeBeforeThoseOfTheOptions() throws Exception {
        String config = """
                [set-state]
                event = "l2_load"
                new_state = "2"
                [inject-error]
                event = "l2_load"
                state = "1"
                errno = "28"
                once = "on"
                """;
        FaultRules rules = new FaultRules(FaultRuleReader.read(config, values("inject-error.0.event=l2_load")));
        rules.reached(DebugEvent.L2_LOAD);
        assertThat(fault(rules)).isEqualTo(Errno.ENOSPC);
        assertThat(fault(rules)).isEqualTo(Errno.EIO);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "inject-error.0.event=foo|invalid parameter value: foo",
                "inject-error.0.errno=5|Missing event name for rule",
                "set-state.0.state=1|Missing event name for rule",
                "inject-error.0.iotype=foo|invalid parameter value: foo",
                "inject-error.0.sector=abc|Parameter 'sector' expects a number",
                "inject-error.0.once=xx|Parameter 'once' expects 'on' or 'off'",
                "inject-error.0.immediately=1|Parameter 'immediately' expects 'on' or 'off'",
                "inject-error.0.foo=1|[inject-error] section doesn't support the option 'foo'",
                "inject-error.1.event=none|Unused option '1.event' for [inject-error]",
                "foo=1|Block protocol 'blkdebug' doesn't support the option 'foo'",
            })
    void wrongOptionsAreRefusedInQemusWords(String option, String message) {
        assertThatThrownBy(() -> rules(option))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.reason()).isEqualTo(message));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "event = \"foo\"|invalid parameter value: foo",
                "event = read_aio|invalid parameter value: ",
                "errno = \"5\"|Missing event name for rule",
                "foo = \"1\"|Invalid parameter 'foo'",
                "event=\"none\"|Invalid parameter 'event=\"none\"'",
                "sector = \"abc\"|Parameter 'sector' expects a number",
                "errno = \"5k\"|Parameter 'errno' expects a number",
                "once = \"abc\"|Parameter 'once' expects 'on' or 'off'",
            })
    void wrongFilesAreRefusedInQemusWords(String line, String message) {
        assertThatThrownBy(() -> FaultRuleReader.read("[inject-error]\n" + line + "\n", values()))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.reason().trim()).isEqualTo(message.trim()));
    }

    @Test
    void oneOfManyRequestsAtOnceUsesUpOnce() throws Exception {
        FaultRules rules = rules("inject-error.0.event=none", "inject-error.0.once=on");
        AtomicInteger failed = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 100; i++) {
                threads.execute(() -> {
                    if (fault(rules) != null) {
                        failed.incrementAndGet();
                    }
                });
            }
        }
        assertThat(failed).hasValue(1);
    }

    @Test
    void everyEventIsKnownByItsName() {
        for (DebugEvent event : DebugEvent.values()) {
            assertThat(DebugEvent.ofName(event.eventName())).isEqualTo(event);
        }
        assertThat(DebugEvent.ofName("L2_LOAD")).isNull();
    }

    @Test
    void ofTwoChangesOfTheStateTheFirstCounts() throws Exception {
        FaultRules rules = rules(
                "set-state.0.event=l2_load",
                "set-state.0.new_state=2",
                "set-state.1.event=l2_load",
                "set-state.1.new_state=3",
                "inject-error.0.event=l1_update",
                "inject-error.0.state=2",
                "inject-error.1.event=l1_update",
                "inject-error.1.state=3",
                "inject-error.1.errno=28");
        rules.reached(DebugEvent.L2_LOAD);
        rules.reached(DebugEvent.L1_UPDATE);
        assertThat(fault(rules)).isEqualTo(Errno.EIO);
    }

    @Test
    void aSectorPastTheLargestDiskIsRefused() throws Exception {
        long last = Long.MAX_VALUE / 512;
        FaultRules rules = rules("inject-error.0.event=none", "inject-error.0.sector=" + last);
        assertThat(rules.fault(RequestKind.READ, last * 512, 1)).isEqualTo(Errno.EIO);
        assertThatThrownBy(() -> rules("inject-error.0.event=none", "inject-error.0.sector=" + (last + 1)))
                .isInstanceOfSatisfying(BlockException.class, e -> {
                    assertThat(e.errno()).isEqualTo(Errno.EINVAL);
                    assertThat(e.reason())
                            .isEqualTo("Value '18014398509481984' is out of range for parameter 'sector'");
                });
    }

    /** An image may name as many; reading them must not take the square of their number. */
    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void manyRulesAreReadInNoTime() throws Exception {
        String[] pairs = new String[20_000];
        Arrays.setAll(pairs, i -> "inject-error." + i + ".event=l2_load");
        assertThat(values(pairs).list("inject-error")).hasSize(pairs.length);
    }
}
