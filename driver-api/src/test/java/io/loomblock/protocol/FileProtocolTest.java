// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static io.loomblock.protocol.TestBytes.read;
import static io.loomblock.protocol.TestBytes.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Regular files hold what is written, grow, shrink and forget, whatever reaches them. */
@Tag("jars")
@Timeout(120)
class FileProtocolTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";
    private static final OpenOptions READ_WRITE = OpenOptions.readWrite();

    @TempDir
    Path directory;

    private String file() {
        return directory.resolve("file").toString();
    }

    private Node fresh(TestEngine engine, long size, OpenOptions options) throws BlockException {
        engine.create(file(), size);
        return engine.open(file(), options);
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void anyRequestDoesWhatItWouldDoToAByteArray(TestEngine engine) throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        for (CacheMode cache : List.of(CacheMode.WRITEBACK, CacheMode.NONE)) {
            Random random = new Random(seed);
            byte[] model = new byte[1 << 20];
            OpenOptions options = READ_WRITE.withCache(cache).withUnmap(true);
            try (Node node = fresh(engine, 0, options)) {
                for (int i = 0; i < 400; i++) {
                    int length = 1 + random.nextInt(20_000);
                    int offset = random.nextInt(model.length - length);
                    switch (random.nextInt(5)) {
                        case 0, 1 -> {
                            byte[] data = new byte[length];
                            random.nextBytes(data);
                            write(node, offset, data);
                            System.arraycopy(data, 0, model, offset, length);
                        }
                        case 2 -> {
                            int flags = random.nextBoolean() ? RequestFlags.MAY_UNMAP : 0;
                            node.coWriteZeroes(offset, length, flags);
                            Arrays.fill(model, offset, offset + length, (byte) 0);
                        }
                        case 3 -> {
                            if (random.nextInt(10) == 0) {
                                node.truncate(offset, true, PreallocationMode.OFF);
                                Arrays.fill(model, offset, model.length, (byte) 0);
                            }
                        }
                        default ->
                            assertThat(read(node, offset, length))
                                    .as("%s, seed %d, request %d", cache, seed, i)
                                    .isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
                    }
                }
                assertThat(read(node, 0, model.length)).as("seed %d", seed).isEqualTo(model);
                node.flush();
                byte[] onDisk = Arrays.copyOf(Files.readAllBytes(Path.of(file())), model.length);
                assertThat(onDisk).as("seed %d", seed).isEqualTo(model);
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aWriteMayBeLongerThanWhatThePageCacheIsGivenAtOnce(TestEngine engine) throws Exception {
        byte[] data = new byte[5 * FileIo.LONGEST_PAGE_WRITE / 2 + 1];
        new Random(7).nextBytes(data);
        try (Node node = fresh(engine, 0, READ_WRITE)) {
            write(node, 777, data);
            assertThat(read(node, 777, data.length)).isEqualTo(data);
            assertThat(node.length()).isEqualTo(777 + data.length);
        }
        assertThat(Files.size(Path.of(file()))).isEqualTo(777 + data.length);
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void severalPiecesOfMemoryAreOneRequest(TestEngine engine) throws Exception {
        try (Node node = fresh(engine, 0, READ_WRITE)) {
            AlignedBuffer memory = AlignedBuffer.allocate(10_000);
            for (int i = 0; i < 10_000; i++) {
                memory.putByte(i, (byte) i);
            }
            IoVector pieces = IoVector.concat(
                    List.of(IoVector.of(memory, 7, 3), IoVector.of(memory, 5000, 5000), IoVector.of(memory, 0, 1)));
            node.coWritev(11, 5002, pieces, 1, 0);
            byte[] data = read(node, 11, 5002);
            assertThat(data[0]).isEqualTo((byte) 8);
            assertThat(data[2]).isEqualTo((byte) 5000);
            assertThat(data[5001]).isEqualTo((byte) 9999);
            IoVector back = IoVector.concat(List.of(IoVector.of(memory, 100, 1000), IoVector.of(memory, 2000, 4002)));
            node.coReadv(11, back);
            assertThat(memory.getByte(101)).isEqualTo((byte) 9);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aFileOfAnyLengthIsReadToItsEndPastThePageCache(TestEngine engine) throws Exception {
        for (int length : new int[] {1, 511, 513, 4095, 4097, 10_000}) {
            byte[] data = new byte[length];
            new Random(length).nextBytes(data);
            Files.write(Path.of(file()), data);
            try (Node node = engine.open(file(), OpenOptions.readOnly().withCache(CacheMode.NONE))) {
                assertThat(node.length()).isEqualTo(length);
                assertThat(read(node, 0, length + 1000)).isEqualTo(Arrays.copyOf(data, length + 1000));
                assertThat(read(node, length - 1, 1)).containsExactly(data[length - 1]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void writesPastTheEndMakeTheFileLonger(TestEngine engine) throws Exception {
        try (Node node = fresh(engine, 100, READ_WRITE)) {
            assertThat(node.length()).isEqualTo(100);
            write(node, 5000, 10, 7);
            assertThat(node.length()).isEqualTo(5010);
            assertThat(Files.size(Path.of(file()))).isEqualTo(5010);
            assertThat(read(node, 0, 5000)).containsOnly(0);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatIsCutOffReadsAsZerosWhenTheFileGrowsAgain(TestEngine engine) throws Exception {
        try (Node node = fresh(engine, 0, READ_WRITE)) {
            write(node, 0, 9000, 7);
            node.truncate(1000, true, PreallocationMode.OFF);
            node.truncate(9000, true, PreallocationMode.OFF);
            assertThat(Files.size(Path.of(file()))).isEqualTo(9000);
            assertThat(read(node, 0, 1000)).containsOnly(7);
            assertThat(read(node, 1000, 8000)).containsOnly(0);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void spaceIsTakenBeforehandWhereThatIsAskedFor(TestEngine engine) throws Exception {
        for (PreallocationMode mode : List.of(PreallocationMode.FALLOC, PreallocationMode.FULL)) {
            for (CacheMode cache : List.of(CacheMode.WRITEBACK, CacheMode.NONE)) {
                try (Node node = fresh(engine, 5000, READ_WRITE.withCache(cache))) {
                    write(node, 0, 5000, 7);
                    node.truncate(300_000, true, mode);
                    assertThat(node.length()).isEqualTo(300_000);
                    assertThat(read(node, 0, 5000)).containsOnly(7);
                    assertThat(read(node, 5000, 295_000)).containsOnly(0);
                    if (engine.knowsHoles()) {
                        assertThat(node.allocatedFileSize()).isGreaterThanOrEqualTo(290_000);
                    }
                    BlockException e = assertFails(Errno.ENOTSUP, () -> node.truncate(10, true, mode));
                    assertThat(e.reason()).isEqualTo("Preallocation can't be used for shrinking files");
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void metadataPreallocationIsNotForFiles(TestEngine engine) throws Exception {
        try (Node node = fresh(engine, 0, READ_WRITE)) {
            BlockException e = assertFails(Errno.ENOTSUP, () -> node.truncate(10, true, PreallocationMode.METADATA));
            assertThat(e.reason()).isEqualTo("Unsupported preallocation mode: metadata");
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void zeroWritesAcrossAndPastTheEndMakeTheFileLonger(TestEngine engine) throws Exception {
        for (CacheMode cache : List.of(CacheMode.WRITEBACK, CacheMode.NONE)) {
            try (Node node = fresh(engine, 0, READ_WRITE.withCache(cache))) {
                write(node, 0, 8192, 7);
                node.coWriteZeroes(4096, 8192, 0);
                assertThat(node.length()).isEqualTo(12_288);
                node.coWriteZeroes(1 << 20, 8192, RequestFlags.MAY_UNMAP);
                assertThat(node.length()).isEqualTo((1 << 20) + 8192);
                assertThat(Files.size(Path.of(file()))).isEqualTo((1 << 20) + 8192);
                node.coWriteZeroes(100, 50, 0);
                byte[] all = read(node, 0, 1 << 20);
                for (int i = 0; i < all.length; i++) {
                    boolean data = i < 4096 && (i < 100 || i >= 150);
                    assertThat(all[i]).as("byte %d", i).isEqualTo((byte) (data ? 7 : 0));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void thoseWhoMakeAFileLongerAtOnceLoseNothing(TestEngine engine) throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        int threads = 8;
        int piece = 3000;
        int rounds = 150;
        try (Node node = fresh(engine, 0, READ_WRITE);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int mine = t;
                Random random = new Random(seed + t);
                all.add(executor.submit(() -> {
                    for (int round = 0; round < rounds; round++) {
                        long offset = (long) (round * threads + mine) * piece;
                        if (random.nextInt(3) == 0) {
                            node.coWriteZeroes(offset, piece, random.nextBoolean() ? RequestFlags.MAY_UNMAP : 0);
                        } else {
                            write(node, offset, piece, mine + 1);
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(100, TimeUnit.SECONDS);
            }
            assertThat(node.length()).isEqualTo((long) threads * rounds * piece);
            for (int t = 0; t < threads; t++) {
                Random random = new Random(seed + t);
                for (int round = 0; round < rounds; round++) {
                    boolean zeros = random.nextInt(3) == 0;
                    if (zeros) {
                        random.nextBoolean();
                    }
                    assertThat(read(node, (long) (round * threads + t) * piece, piece))
                            .as("seed %d, thread %d, round %d", seed, t, round)
                            .containsOnly(zeros ? 0 : t + 1);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void spaceIsGivenBackOnlyWhereTheOpenerAndTheRequestAllowIt(TestEngine engine) throws Exception {
        for (boolean unmap : new boolean[] {false, true}) {
            try (Node node = fresh(engine, 0, READ_WRITE.withUnmap(unmap))) {
                write(node, 0, 1 << 20, 7);
                node.flush();
                node.coWriteZeroes(0, 256 << 10, RequestFlags.MAY_UNMAP);
                node.coWriteZeroes(256 << 10, 256 << 10, 0);
                node.coDiscard(512 << 10, 512 << 10);
                assertThat(node.length()).isEqualTo(1 << 20);
                assertThat(read(node, 0, 512 << 10)).containsOnly(0);
                if (!unmap) {
                    assertThat(read(node, 512 << 10, 512 << 10)).containsOnly(7);
                } else if (engine.knowsHoles()) {
                    assertThat(read(node, 512 << 10, 512 << 10)).containsOnly(0);
                }
                if (engine.knowsHoles()) {
                    assertThat(node.allocatedFileSize())
                            .isBetween(unmap ? 256L << 10 : 1L << 20, unmap ? 300L << 10 : 1100L << 10);
                } else {
                    assertThat(node.allocatedFileSize()).isEqualTo(-1);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void discardsPastTheEndDoNothing(TestEngine engine) throws Exception {
        try (Node node = fresh(engine, 1000, READ_WRITE.withUnmap(true))) {
            node.coDiscard(500, 100_000);
            node.coDiscard(5000, 100_000);
            assertThat(node.length()).isEqualTo(1000);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void statusTellsHolesFromData(TestEngine engine) throws Exception {
        try (Node node = fresh(engine, 1 << 20, READ_WRITE)) {
            write(node, 256 << 10, 64 << 10, 7);
            if (!engine.knowsHoles()) {
                BlockStatus all = node.blockStatus(0, 1 << 20);
                assertThat(all.isData()).isTrue();
                assertThat(all.length()).isEqualTo(1 << 20);
                return;
            }
            int common = BlockStatus.ALLOCATED | BlockStatus.OFFSET_VALID;
            assertThat(node.blockStatus(0, 1 << 20))
                    .isEqualTo(new BlockStatus(BlockStatus.ZERO | common, 256 << 10, 0));
            assertThat(node.blockStatus(260 << 10, 1 << 20))
                    .isEqualTo(new BlockStatus(BlockStatus.DATA | common, 60 << 10, 260 << 10));
            assertThat(node.blockStatus(260 << 10, 4096))
                    .isEqualTo(new BlockStatus(BlockStatus.DATA | common, 4096, 260 << 10));
            assertThat(node.blockStatus(320 << 10, 1L << 40))
                    .isEqualTo(new BlockStatus(
                            BlockStatus.ZERO | common | BlockStatus.EOF, (1 << 20) - (320 << 10), 320 << 10));
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void theFileIsTheSameUnderAllItsNames(TestEngine engine) throws Exception {
        engine.create(file(), 100);
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("file"));
        Path hard = Files.createLink(directory.resolve("hard"), Path.of(file()));
        engine.create(directory.resolve("other").toString(), 0);
        OpenOptions readOnly = OpenOptions.readOnly();
        FileProvider provider = new FileProvider(engine.files());
        try (Node a = engine.open(file(), readOnly);
                Node b = engine.open(link.toString(), readOnly);
                Node c = engine.open("file:" + hard, readOnly);
                Node d = engine.open(directory.resolve("other").toString(), readOnly)) {
            Object identity = a.driver().identity();
            assertThat(identity)
                    .isNotNull()
                    .isEqualTo(b.driver().identity())
                    .isEqualTo(c.driver().identity());
            assertThat(d.driver().identity()).isNotEqualTo(identity);
            assertThat(provider.identity(link.toString())).isEqualTo(identity);
            assertThat(provider.identity("file:" + hard)).isEqualTo(identity);
        }
        assertThat(provider.identity(directory.resolve("none").toString())).isNull();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void anEndChangedByOthersIsSeenAfterInvalidation(TestEngine engine) throws Exception {
        engine.create(file(), 100);
        OpenOptions options = OpenOptions.readOnly().withForceShare(true);
        try (Node node = engine.open(file(), options)) {
            Files.write(Path.of(file()), new byte[5000]);
            node.invalidateCache(false);
            assertThat(node.length()).isEqualTo(5000);
            Files.write(Path.of(file()), new byte[10]);
            assertThat(read(node, 0, 5000))
                    .as("a file that got shorter reads as zeros")
                    .containsOnly(0);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void creationEmptiesWhatWasThere(TestEngine engine) throws Exception {
        Files.write(Path.of(file()), new byte[5000]);
        engine.create(file(), 0);
        assertThat(Files.size(Path.of(file()))).isZero();
        engine.create(file(), 1000);
        assertThat(Files.size(Path.of(file()))).isEqualTo(1000);
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void afterCloseADescriptorIsNobodyElses(TestEngine engine) throws Exception {
        engine.create(file(), 0);
        FileIo io = engine.engine().open(file(), new OpenMode(true, false, false));
        io.close();
        AlignedBuffer memory = AlignedBuffer.allocate(10);
        assertFails(Errno.EBADF, () -> io.write(0, memory, 0, 10));
        assertFails(Errno.EBADF, () -> io.read(0, memory, 0, 10));
    }
}
