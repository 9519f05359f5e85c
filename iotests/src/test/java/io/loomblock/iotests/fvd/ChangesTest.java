// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Changes of an image as a whole, cut off at every moment, and with a failure of every request: a disk is then what it was before, or what
 * the change makes it, sector by sector, and the image makes sense.
 */
class ChangesTest {
    private static final boolean SOAK = Boolean.getBoolean("loomblock.soak");
    private static final String IMAGE = FvdImages.IMAGE;
    private static final String DATA = FvdImages.DATA;

    static Stream<ChangeCase> cases() {
        return ChangeCase.all().stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void theDiskIsAsTheChangeMakesIt(ChangeCase change) throws Exception {
        FvdImages images = change.prepare();
        byte[] before = ChangeCase.content(images);
        byte[] after = change.expected().after(before, images.read());
        try (BlockDevice device = images.open(change.options())) {
            change.work().run(device);
            assertThat(device.length()).isEqualTo(after.length);
            if (!change.name().startsWith("rebase")) {
                // The base image that is open stays the one from before.
                assertThat(Guest.bytes(device)).isEqualTo(after);
            }
        }
        byte[] content = change.recovered(images, images.image(), images.data());
        assertThat(content).isEqualTo(after);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void aCrashLeavesTheOldDiskOrTheNewOne(ChangeCase change) throws Exception {
        FvdImages images = change.prepare();
        byte[] before = ChangeCase.content(images);
        RequestLog log = new RequestLog();
        RecordingDriver image = new RecordingDriver(IMAGE, images.image(), log);
        RecordingDriver data = new RecordingDriver(DATA, images.data(), log);
        images.with(image, data);
        int[] times = new int[2];
        byte[] after;
        byte[] flushed = before.clone();
        try (BlockDevice device = images.open(change.options())) {
            if (!change.damaged() && !change.removesBase()) {
                // New records, which the journal still has when the change begins.
                ChangeCase.write(device, 44, 60_000, 9000);
                System.arraycopy(Pattern.bytes(44, 60_000, 9000), 0, flushed, 60_000, 9000);
            }
            device.flush();
            after = change.expected().after(flushed, images.read());
            times[0] = log.size();
            change.work().run(device);
            times[1] = log.size();
        }
        CrashStates states = new CrashStates(log, List.of(image, data));
        states.afterKill(state -> judge(change, images, state, times, flushed, after));
        states.afterPowerLoss(3, SOAK ? 20 : 1, state -> judge(change, images, state, times, flushed, after));
    }

    private static void judge(
            ChangeCase change, FvdImages images, CrashStates.State state, int[] times, byte[] before, byte[] after)
            throws Exception {
        if (state.position() <= times[0]) {
            return;
        }
        MemoryDriver file = new MemoryDriver(state.file(IMAGE));
        MemoryDriver data = new MemoryDriver(state.file(DATA));
        images.with(file, data);
        try {
            byte[][] allowed = state.position() > times[1] ? new byte[][] {after} : new byte[][] {before, after};
            ChangeCase.expectOneOf(ChangeCase.content(images), allowed);
            if (change.shape().journalSize() < 0) {
                return;
            }
            ChangeCase.expectOneOf(change.recovered(images, file, data), allowed);
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(change + ", " + state.description() + ": " + e.getMessage(), e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void aFailureLeavesTheOldDiskOrTheNewOne(ChangeCase change) throws Exception {
        Predicate<Request> changes = request -> request.kind().changes();
        for (Fault fault : List.of(
                Fault.once(changes),
                Fault.once(changes).with(Effect.HALF),
                Fault.always(changes),
                Fault.always(changes).with(Errno.ENOSPC),
                Fault.once(Request.of(Kind.FLUSH)),
                Fault.always(Request.of(Kind.FLUSH)),
                Fault.once(Request.of(Kind.READ)))) {
            int number = 0;
            while (failAt(change, fault.at(number), false)) {
                number++;
            }
            assertThat(number).as("requests to the image").isPositive();
            number = 0;
            while (change.shape().dataFile() && failAt(change, fault.at(number), true)) {
                number++;
            }
        }
    }

    /** Whether there was such a request, to the file with the data or to the other one. */
    private static boolean failAt(ChangeCase change, Fault fault, boolean toData) throws Exception {
        FvdImages images = change.prepare();
        byte[] before = ChangeCase.content(images);
        byte[] after = change.expected().after(before, images.read());
        FaultDriver faulty = new FaultDriver(toData ? images.data() : images.image());
        images.with(toData ? images.image() : faulty, toData ? faulty : images.data());
        BlockDevice device = images.open(change.options());
        boolean done = false;
        try (device) {
            faulty.arm(fault);
            change.work().run(device);
            done = true;
        } catch (BlockException e) {
            assertThat(e.errno()).isIn(Errno.EIO, Errno.ENOSPC);
        } finally {
            faulty.disarm();
        }
        images.with(images.image(), images.data());
        try {
            byte[][] allowed = done ? new byte[][] {after} : new byte[][] {before, after};
            ChangeCase.expectOneOf(ChangeCase.content(images), allowed);
            if (change.shape().journalSize() >= 0) {
                ChangeCase.expectOneOf(change.recovered(images, images.image(), images.data()), allowed);
            }
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(change + ", " + fault + ": " + e.getMessage(), e);
        }
        return faulty.failures() > 0;
    }
}
