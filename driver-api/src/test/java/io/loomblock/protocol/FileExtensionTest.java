// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.testkit.Call;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A file is made longer by a hole, whoever asks for it, on whatever thread, and while others write. */
@Tag("jars")
@Timeout(120)
class FileExtensionTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";
    private static final int PIECE = 4096;
    private static final int FAR = 64 << 20;

    @TempDir
    Path directory;

    private Path path() {
        return directory.resolve("file");
    }

    /** A file of so many pieces of sevens. */
    private FileIo open(TestEngine engine, int pieces, boolean direct) throws Exception {
        engine.create(path().toString(), 0);
        FileIo io = engine.engine().open(path().toString(), new OpenMode(true, direct, false));
        for (int i = 0; i < pieces; i++) {
            write(io, i, 7);
        }
        return io;
    }

    private static void write(FileIo io, int piece, int value) throws BlockException {
        AlignedBuffer memory = AlignedBuffer.allocate(PIECE);
        memory.fill(0, PIECE, (byte) value);
        io.write((long) piece * PIECE, memory, 0, PIECE);
    }

    private static void expect(FileIo io, long piece, int value) throws BlockException {
        AlignedBuffer memory = AlignedBuffer.allocate(PIECE);
        memory.fill(0, PIECE, (byte) 0x5a);
        assertThat(io.read(piece * PIECE, memory, 0, PIECE)).isEqualTo(PIECE);
        byte[] data = new byte[PIECE];
        memory.get(0, data, 0, PIECE);
        assertThat(data).as("piece %d", piece).containsOnly(value);
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatIsGainedIsAHole(TestEngine engine) throws Exception {
        for (boolean direct : new boolean[] {false, true}) {
            try (FileIo io = open(engine, 1, direct)) {
                io.extend(FAR);
                Call.of(() -> io.extend(2L * FAR)).join();
                assertThat(io.length()).isEqualTo(2L * FAR);
                assertThat(Files.size(path())).isEqualTo(2L * FAR);
                expect(io, 0, 7);
                expect(io, 1, 0);
                expect(io, 2L * FAR / PIECE - 1, 0);
                if (engine.knowsHoles()) {
                    assertThat(io.allocatedSize()).isLessThan(1 << 20);
                }
            }
        }
    }

    /** No length is one that a whole block ends at, with O_DIRECT either. */
    @ParameterizedTest
    @MethodSource(ENGINES)
    void anyLengthCanBeHad(TestEngine engine) throws Exception {
        for (boolean direct : new boolean[] {false, true}) {
            try (FileIo io = open(engine, 1, direct)) {
                for (int length : new int[] {PIECE + 1, PIECE + 511, 3 * PIECE - 1}) {
                    io.extend(length);
                    assertThat(Files.size(path())).as("direct %s", direct).isEqualTo(length);
                }
                expect(io, 0, 7);
            }
        }
    }

    /** So that some are quick, and some are handed on: all wait for one that is tried, where nothing is known of the device. */
    @ParameterizedTest
    @MethodSource(ENGINES)
    void whoeverAsksAtOnceFindsTheFileThatLong(TestEngine engine) throws Exception {
        int threads = 32;
        try (FileIo io = open(engine, 1, false)) {
            CountDownLatch start = new CountDownLatch(1);
            List<Call> calls = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                calls.add(Call.of(() -> {
                    start.await();
                    io.extend(FAR);
                    assertThat(io.length()).isEqualTo(FAR);
                }));
            }
            start.countDown();
            for (Call call : calls) {
                call.join();
            }
            expect(io, 0, 7);
            expect(io, FAR / PIECE - 1, 0);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void thoseWhoWriteMeanwhileLoseNothing(TestEngine engine) throws Exception {
        int writers = 4;
        int rounds = 100;
        try (FileIo io = open(engine, writers, false)) {
            List<Call> calls = new ArrayList<>();
            for (int i = 0; i < writers; i++) {
                int piece = i;
                calls.add(Call.of(() -> {
                    for (int round = 1; round <= rounds; round++) {
                        write(io, piece, round);
                        expect(io, piece, round);
                    }
                }));
            }
            Call.of(() -> {
                        for (int round = 1; round <= rounds; round++) {
                            io.extend((long) (writers + round) * PIECE);
                            expect(io, writers + round - 1, 0);
                        }
                    })
                    .join();
            for (Call call : calls) {
                call.join();
            }
            assertThat(io.length()).isEqualTo((long) (writers + rounds) * PIECE);
            for (int piece = 0; piece < writers + rounds; piece++) {
                expect(io, piece, piece < writers ? rounds : 0);
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void afterCloseNothingIsMadeLonger(TestEngine engine) throws Exception {
        FileIo io = open(engine, 1, false);
        io.close();
        assertFails(Errno.EBADF, () -> io.extend(FAR));
        assertFails(Errno.EBADF, () -> Call.of(() -> io.extend(FAR)).join());
        assertThat(Files.size(path())).isEqualTo(PIECE);
    }
}
