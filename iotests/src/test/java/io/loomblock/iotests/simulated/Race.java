// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.simulated;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.testkit.CrashStates;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.SimulatedDevice;
import io.loomblock.testkit.Simulation;
import io.loomblock.testkit.Simulation.Weather;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Guests race for an image on simulated storage, and every byte is judged: while they race, when they have ended, when storage was lost
 * half-way, and when the image is opened again for more.
 */
final class Race {
    private static final int GUESTS = 6;

    private final RaceImage image;
    private final int requests;
    private final Random random;
    private final Weather weather;
    private final DiskModel model;
    private final TestFiles files;
    private final Map<String, MemoryDriver> memory = new LinkedHashMap<>();

    Race(RaceImage image, Weather weather, int requests) throws BlockException {
        this.image = image;
        this.requests = requests;
        this.weather = weather;
        this.random = new Random(weather.seed());
        this.model = new DiskModel(RaceImage.SIZE, DiskModel.Content.of(image.shown()), weather.seed() * 100_000);
        this.files = image.create().run();
        for (String name : image.written()) {
            memory.put(name, files.memory(name));
        }
    }

    /** So many sessions; fewer where one ends badly, as it may. How many requests storage has done. */
    int run(int sessions) throws Exception {
        int done = 0;
        for (int session = 0; session < sessions; session++) {
            Session now = new Session(session);
            boolean good = now.run();
            done += now.simulation.done().size();
            if (!good) {
                return done;
            }
        }
        return done;
    }

    /** One opening of the image. */
    private final class Session {
        private final RequestLog log = new RequestLog();
        private final List<RecordingDriver> recorders = new ArrayList<>();
        private final FakeTimers timers = new FakeTimers();
        private final Simulation simulation;
        private final RaceGuest.Flushes flushes = new RaceGuest.Flushes();
        private final Map<String, SparseBytes> killed = new LinkedHashMap<>();
        private final Map<String, SparseBytes> powerLost = new LinkedHashMap<>();
        private long lostAt;
        private long flushedAt;

        Session(int number) {
            simulation = new Simulation(
                    new Weather(weather.seed() * 1000 + number, weather.faults(), weather.flushFaults()));
            memory.forEach((name, file) -> {
                RecordingDriver recorder = new RecordingDriver(name, file, log);
                recorders.add(recorder);
                files.put(name, new SimulatedDevice(name, recorder, simulation));
            });
            // What an earlier session left was durable when it had closed the image.
            flushes.flushed(model.tick());
        }

        /** Whether the image was closed in order. */
        boolean run() throws Exception {
            BlockDevice device =
                    files.open(image.name(), image.format(), image.options().withTimers(timers));
            boolean closed;
            try {
                verify(device, "opened");
                long steps = random.nextInt(3) == 0 ? random.nextInt(GUESTS * requests) : Long.MAX_VALUE;
                simulation.run(guests(device), steps, this::lost);
                verify(device, "after the race");
            } finally {
                closed = closes(device);
            }
            if (image.survives()) {
                judge("killed", killed);
                judge("after power loss", powerLost);
            }
            if (closed) {
                reopened();
            }
            return closed;
        }

        private List<Simulation.Guest> guests(BlockDevice device) {
            List<Simulation.Guest> guests = new ArrayList<>();
            for (int i = 0; i < GUESTS; i++) {
                guests.add(new RaceGuest(device, model, flushes, timers, random.nextLong(), requests));
            }
            return guests;
        }

        /** What there would be now if the process died, or the machine. */
        private void lost() {
            lostAt = model.tick();
            flushedAt = flushes.last();
            memory.forEach((name, file) -> killed.put(name, file.snapshot()));
            powerLost.putAll(new CrashStates(log, recorders).nothingButFlushed().files());
        }

        private void judge(String when, Map<String, SparseBytes> contents) throws Exception {
            TestFiles crashed = image.with(contents);
            try (BlockDevice device =
                    crashed.open(image.name(), image.format(), image.options().withTimers(new FakeTimers()))) {
                expectSound(device);
                model.verify(ModelRun.reader(device), lostAt, flushedAt);
            } catch (AssertionError | BlockException e) {
                throw new AssertionError(when + ": " + e.getMessage(), e);
            }
        }

        private void reopened() throws Exception {
            TestFiles again = image.with(contents());
            try (BlockDevice device =
                    again.open(image.name(), image.format(), image.options().withWritable(false))) {
                expectSound(device);
                verify(device, "opened again");
            }
        }
    }

    private Map<String, SparseBytes> contents() {
        Map<String, SparseBytes> contents = new LinkedHashMap<>();
        memory.forEach((name, file) -> contents.put(name, file.snapshot()));
        return contents;
    }

    private void verify(BlockDevice device, String when) throws Exception {
        try {
            model.verify(ModelRun.reader(device));
        } catch (AssertionError | BlockException e) {
            throw new AssertionError(when + ": " + e.getMessage(), e);
        }
    }

    private static void expectSound(BlockDevice device) throws BlockException {
        CheckResult result = device.check(FixMode.NONE);
        assertThat(result.corruptions()).as("corruptions").isZero();
        assertThat(result.checkErrors()).as("check errors").isZero();
    }

    /** Whether closing succeeds; it fails after a flush that has failed for good. */
    private static boolean closes(BlockDevice device) {
        try {
            device.close();
            return true;
        } catch (BlockException e) {
            assertThat(e.errno()).isIn(Errno.EIO, Errno.ENOSPC);
            return false;
        }
    }
}
