// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.StorageCommands;
import io.loomblock.StorageRunner;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Storage that cannot grow by itself: the command of the image is run by whom the opener hands in, and by nobody else. */
class StorageCommandTest {
    private static final int CHUNK = 8192;
    private static final int SIZE = 64 * CHUNK;
    private static final String COMMAND = "/sbin/grow --it";

    @TempDir
    Path directory;

    /** A device: as long as it is. */
    private static final class Device extends ForwardingDriver {
        private final MemoryDriver memory;

        Device(MemoryDriver memory) {
            super(memory);
            this.memory = memory;
        }

        @Override
        public boolean growable() {
            return false;
        }

        @Override
        public void truncate(long length, boolean exact, PreallocationMode mode) throws BlockException {
            if (length > memory.length()) {
                throw new BlockException(Errno.EINVAL, "Cannot grow device files");
            }
        }

        void extend(long bytes) {
            SparseBytes content = memory.snapshot();
            content.truncate(content.length() + bytes);
            memory.replace(content);
        }
    }

    private record Call(String command, long bytes, String file) {}

    private final List<Call> calls = new ArrayList<>();

    /** An image with room for two chunks on its device. */
    private static FvdImages image(Device device) throws BlockException {
        Shape shape = new Shape(2, SIZE, CHUNK, 0, 4096, true);
        FvdImages images = new FvdImages(shape, new byte[0], shape.options().with("add_storage_cmd", COMMAND));
        device.extend(2L * CHUNK);
        images.files().put(FvdImages.DATA, device);
        return images;
    }

    private static void write(BlockDevice device, int chunk) throws BlockException {
        device.write((long) chunk * CHUNK, ByteBuffer.wrap(Pattern.bytes(chunk, 0, CHUNK)));
    }

    private static BlockException failure(BlockDevice device, int chunk) {
        return catchThrowableOfType(BlockException.class, () -> write(device, chunk));
    }

    private static OpenOptions with(StorageRunner runner) {
        return FvdImages.readWrite().withStorageRunner(runner);
    }

    /** E16: an image alone never makes anything run. */
    @Test
    void withoutARunnerNothingIsRunAndTheRequestFails() throws Exception {
        Path witness = directory.resolve("witness");
        Device device = new Device(new MemoryDriver());
        Shape shape = new Shape(2, SIZE, CHUNK, 0, 4096, true);
        FvdImages images =
                new FvdImages(shape, new byte[0], shape.options().with("add_storage_cmd", "touch " + witness + ";"));
        device.extend(2L * CHUNK);
        images.files().put(FvdImages.DATA, device);
        try (BlockDevice disk = images.open(FvdImages.readWrite())) {
            write(disk, 0);
            write(disk, 1);
            assertThat(failure(disk, 2).errno()).isEqualTo(Errno.ENOSPC);
            assertThat(Guest.read(disk, CHUNK, CHUNK)).isEqualTo(Pattern.bytes(1, 0, CHUNK));
        }
        assertThat(witness).doesNotExist();
    }

    @Test
    void theRunnerIsAskedAndTheLengthIsLookedUp() throws Exception {
        Device device = new Device(new MemoryDriver());
        FvdImages images = image(device);
        StorageRunner runner = (command, bytes, file) -> {
            calls.add(new Call(command, bytes, file));
            device.extend(CHUNK);
        };
        try (BlockDevice disk = images.open(with(runner))) {
            for (int chunk = 0; chunk < 4; chunk++) {
                write(disk, chunk);
            }
            for (int chunk = 0; chunk < 4; chunk++) {
                assertThat(Guest.read(disk, (long) chunk * CHUNK, CHUNK)).isEqualTo(Pattern.bytes(chunk, 0, CHUNK));
            }
        }
        Call expected = new Call(COMMAND, 3 * CHUNK, FvdImages.DATA);
        assertThat(calls).containsExactly(expected, expected);
    }

    @Test
    void aRunnerThatFailsOrAddsTooLittleIsAFullDisk() throws Exception {
        Device device = new Device(new MemoryDriver());
        FvdImages images = image(device);
        StorageRunner runner = (command, bytes, file) -> {
            if (calls.isEmpty()) {
                calls.add(new Call(command, bytes, file));
                throw new BlockException(Errno.EACCES, "not today");
            }
            device.extend(512);
        };
        try (BlockDevice disk = images.open(with(runner))) {
            write(disk, 0);
            write(disk, 1);
            BlockException refused = failure(disk, 2);
            assertThat(refused.errno()).isEqualTo(Errno.ENOSPC);
            assertThat(refused.reason()).contains("not today");
            assertThat(failure(disk, 2).errno()).isEqualTo(Errno.ENOSPC);
            write(disk, 1);
        }
    }

    /** E17: who does not need the new storage does not wait for it. */
    @Test
    void nobodyElseWaitsForTheCommand() throws Exception {
        Device device = new Device(new MemoryDriver());
        FvdImages images = image(device);
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        StorageRunner runner = (command, bytes, file) -> {
            running.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new BlockException(Errno.EINTR, "interrupted", e);
            }
            device.extend(CHUNK);
        };
        try (BlockDevice disk = images.open(with(runner));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            write(disk, 0);
            Future<?> waiting = threads.submit(() -> {
                disk.write(2 * CHUNK, ByteBuffer.wrap(Pattern.bytes(2, 0, 3 * CHUNK)));
                return null;
            });
            assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();
            Future<?> others = threads.submit(() -> {
                write(disk, 0);
                write(disk, 1);
                disk.flush();
                disk.info();
                return Guest.read(disk, 0, 2 * CHUNK);
            });
            others.get(30, TimeUnit.SECONDS);
            assertThat(waiting.isDone()).isFalse();
            device.extend(3L * CHUNK);
            goOn.countDown();
            waiting.get(30, TimeUnit.SECONDS);
            assertThat(Guest.read(disk, 2 * CHUNK, 3 * CHUNK)).isEqualTo(Pattern.bytes(2, 0, 3 * CHUNK));
        }
    }

    /** Words go to the program as they are; no shell sees them. */
    @Test
    void commandsAreRunWordByWordIfTheyAreOnTheList() throws Exception {
        Path out = directory.resolve("out");
        Path script = Files.writeString(directory.resolve("grow.sh"), "printf '%s|' \"$@\" > " + out + "\n");
        String command = "sh " + script + " ; $(touch /nowhere) \"a";
        StorageCommands commands = new StorageCommands(Set.of(command), Duration.ofSeconds(30));
        commands.addStorage(command, 4096, "a b.raw");
        assertThat(Files.readString(out)).isEqualTo(";|$(touch|/nowhere)|\"a|4096|a b.raw|");
        for (String other : List.of("sh " + script, StorageCommands.LVEXTEND)) {
            BlockException refused =
                    catchThrowableOfType(BlockException.class, () -> commands.addStorage(other, 4096, "x"));
            assertThat(refused.errno()).isEqualTo(Errno.EACCES);
        }
    }

    @Test
    void aCommandThatFailsOrIsMissingIsAFailure() {
        StorageCommands commands =
                new StorageCommands(Set.of("false", "/no/such/program", "sleep 100"), Duration.ofMillis(200));
        for (String command : commands.allowed()) {
            BlockException failed =
                    catchThrowableOfType(BlockException.class, () -> commands.addStorage(command, 1, "x"));
            assertThat(failed.errno()).isEqualTo(Errno.EIO);
        }
    }
}
