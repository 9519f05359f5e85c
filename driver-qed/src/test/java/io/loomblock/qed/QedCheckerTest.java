// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import io.loomblock.protocol.MemoryFile;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import io.loomblock.testkit.Tools;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Counts and repairs of images that were put together by hand. spec: qed.md section 12. */
@Tag("jars")
class QedCheckerTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;
    private static final long SIZE = 16 * SPAN;

    private final ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SIZE);
    private final BufferPool pool = new BufferPool(8 << 20, 4 << 20);
    private MemoryDriver file = new MemoryDriver();
    private QedChecker checker;

    private CheckResult check(FixMode mode) throws Exception {
        file = new MemoryDriver(image.build());
        return check(mode, file);
    }

    private CheckResult check(FixMode mode, BlockDriver driver) throws Exception {
        Node node = TestImages.node("test.qed", driver, OpenOptions.readWrite());
        QedHeader header = HeaderStore.read(node, pool);
        QedLayout layout = header.validate(node.length());
        long end = layout.wholeClusters(node.length());
        checker = new QedChecker(node, layout, header.imageSize(), end, mode, pool, 1 << 20);
        CheckResult result = checker.run();
        assertThat(pool.outstanding()).isZero();
        return result;
    }

    private void found(CheckResult result, long corruptions, long leaks) {
        assertThat(result.checkErrors()).as("check errors").isZero();
        assertThat(result.corruptions()).as("corruptions").isEqualTo(corruptions);
        assertThat(result.leaks()).as("leaks").isEqualTo(leaks);
    }

    @Test
    void aSoundImageIsClean() throws Exception {
        image.data(0, 1);
        image.data(4096, 2);
        image.entry(8192, 1);
        image.data(SPAN, 3);
        CheckResult result = check(FixMode.NONE);
        found(result, 0, 0);
        assertThat(result.isClean()).isTrue();
        assertThat(result.allocatedClusters()).isEqualTo(3);
        assertThat(result.totalClusters()).isEqualTo(SIZE / CLUSTER);
        assertThat(result.fragmentedClusters()).isZero();
    }

    @Test
    void thePartOfAClusterAtTheEndIsNotCounted() throws Exception {
        image.data(0, 1);
        image.length(image.end() + 4095);
        found(check(FixMode.NONE), 0, 0);
    }

    @Test
    void fragmentsAreCountedWithinEachTable() throws Exception {
        long first = image.data(0, 1);
        image.data(4096, 1);
        image.data(12288, 1);
        image.take(3);
        image.data(16384, 1);
        image.data(SPAN, 1);
        image.entry(20480, first);
        CheckResult result = check(FixMode.NONE);
        // Unallocated entries between do not matter, a step back does.
        assertThat(result.fragmentedClusters()).isEqualTo(2);
        assertThat(result.allocatedClusters()).isEqualTo(6);
    }

    @Test
    void clustersThatNobodyRefersToAreLeaks() throws Exception {
        image.data(0, 1);
        image.take(3);
        found(check(FixMode.NONE), 0, 3);
        found(check(FixMode.ALL), 0, 3);
    }

    @Test
    void aHeaderAreaOfSeveralClustersIsNoLeak() throws Exception {
        ImageBuilder three = ImageBuilder.image(CLUSTER, 2, 3, SIZE);
        three.data(0, 1);
        found(check(FixMode.NONE, new MemoryDriver(three.build())), 0, 0);
    }

    @Test
    void aClusterWithTwoReferencesIsACorruptionAndNotRepaired() throws Exception {
        long cluster = image.data(0, 1);
        image.entry(4096, cluster);
        found(check(FixMode.NONE), 1, 0);
        assertThat(checker.fixable()).isZero();
        SparseBytes before = image.build();
        found(check(FixMode.ALL), 1, 0);
        assertThat(file.snapshot().toByteArray()).isEqualTo(before.toByteArray());
    }

    @Test
    void dataInATableIsACorruption() throws Exception {
        long table = image.table(0);
        image.entry(0, table).entry(4096, image.l1Offset() + CLUSTER);
        found(check(FixMode.NONE), 2, 0);
    }

    @Test
    void tablesInUseTwiceAreCorruptAndScannedOnce() throws Exception {
        image.data(0, 1);
        long table = image.table(0);
        image.l1(1, table).l1(2, image.l1Offset());
        CheckResult result = check(FixMode.NONE);
        found(result, 4, 0);
        assertThat(result.allocatedClusters()).isEqualTo(1);
    }

    @Test
    void tablesThatOverlapAreCorruptAndTheSecondIsSkipped() throws Exception {
        image.data(0, 1);
        long table = image.table(0);
        image.l1(1, table + CLUSTER);
        CheckResult result = check(FixMode.NONE);
        // Its second cluster, which is the data cluster, is marked by then; its first is the first table's second.
        found(result, 2, 0);
        assertThat(result.allocatedClusters()).isEqualTo(1);
    }

    @Test
    void entriesThatPointNowhereAreCleared() throws Exception {
        image.data(0, 1);
        long lost = image.data(SPAN, 1);
        long[] bad = {2, 512, image.end(), lost + 1, -CLUSTER, Long.MIN_VALUE, 0x800, image.end() + (1L << 40)};
        for (int i = 0; i < bad.length; i++) {
            image.entry(SPAN + i * 4096L, bad[i]);
        }
        found(check(FixMode.NONE), bad.length, 1);
        assertThat(checker.fixable()).isEqualTo(bad.length);
        CheckResult repaired = check(FixMode.ALL);
        found(repaired, 0, 1);
        assertThat(repaired.corruptionsFixed()).isEqualTo(bad.length);
        found(check(FixMode.ALL, file), 0, 1);
        assertThat(new MemoryDriver(file.snapshot()).length()).isEqualTo(image.end());
    }

    @Test
    void l1EntriesThatPointNowhereAreClearedWithAllThatHungOnThem() throws Exception {
        image.data(0, 1);
        image.data(SPAN, 1);
        image.l1(1, 1)
                .l1(2, image.end() - CLUSTER)
                .l1(3, image.end())
                .l1(400, -4096)
                .l1(1023, 4097);
        found(check(FixMode.NONE), 5, 3);
        CheckResult repaired = check(FixMode.ALL);
        found(repaired, 0, 3);
        assertThat(repaired.corruptionsFixed()).isEqualTo(5);
        found(check(FixMode.NONE, file), 0, 3);
    }

    @Test
    void onlyARepairOfErrorsChangesAnything() throws Exception {
        image.entry(0, 2);
        image.take(1);
        byte[] before = image.build().toByteArray();
        found(check(FixMode.LEAKS), 1, 1);
        assertThat(file.snapshot().toByteArray()).isEqualTo(before);
    }

    @Test
    void aTableThatCannotBeReadIsOneErrorAndTheRestIsChecked() throws Exception {
        image.data(0, 1);
        long table = image.table(0);
        image.entry(SPAN, 2);
        FaultDriver faults = new FaultDriver(new MemoryDriver(image.build()));
        faults.arm(Fault.always(Request.of(Kind.READ, table, table + 1)));
        CheckResult result = check(FixMode.NONE, faults);
        assertThat(result.checkErrors()).isEqualTo(1);
        assertThat(result.corruptions()).isEqualTo(1);
        assertThat(result.leaks()).as("unknown").isZero();
    }

    @Test
    void aRepairThatCannotBeWrittenIsAnError() throws Exception {
        image.entry(0, 2);
        FaultDriver faults = new FaultDriver(new MemoryDriver(image.build()));
        faults.arm(Fault.always(Request.of(Kind.WRITE)));
        assertThat(check(FixMode.ALL, faults).checkErrors()).isEqualTo(1);
        faults.arm(Fault.once(Request.of(Kind.WRITE)));
        assertThat(check(FixMode.ALL, faults).checkErrors())
                .as("a passing fault")
                .isZero();
    }

    @Test
    void hugeSparseTablesAndFilesTakeLittleTimeAndMemory() throws Exception {
        // 64 MiB clusters, tables of 1 GiB, and a file of 2^60 bytes, nearly all of it holes.
        int cluster = 64 << 20;
        ImageBuilder huge = ImageBuilder.image(cluster, 16, 1L << 60);
        long table = huge.table(0);
        huge.entry((1L << 53) - cluster, 1L << 59).entry(0, (1L << 60) - cluster);
        huge.length(1L << 60);
        CheckResult result = check(FixMode.NONE, sparse(huge.build()));
        found(result, 0, (1L << 60) / cluster - 1 - 16 - 16 - 2);
        assertThat(table).isPositive();
    }

    /** The same content in a file that knows its holes. */
    private static BlockDriver sparse(SparseBytes bytes) throws Exception {
        io.loomblock.protocol.MemoryDriver driver = new io.loomblock.protocol.MemoryDriver(new MemoryFile());
        Node node = TestImages.node("copy", driver, OpenOptions.readWrite());
        byte[] page = new byte[4096];
        for (long at : new long[] {0, 64L << 20, 17L * (64 << 20), 17L * (64 << 20) + (1 << 30) - 4096}) {
            bytes.read(at, page, 0, page.length);
            try (AlignedBuffer buffer = AlignedBuffer.allocate(page.length)) {
                buffer.put(0, page, 0, page.length);
                node.coWritev(at, IoVector.of(buffer));
            }
        }
        node.truncate(bytes.length(), true, PreallocationMode.OFF);
        return driver;
    }

    @Test
    void referencesAllOverAHugeFileDoNotTakeMemoryWithoutBound() throws Exception {
        ImageBuilder spread = ImageBuilder.image(CLUSTER, 2, SIZE);
        for (int i = 0; i < 1024; i++) {
            spread.entry(i * 4096L, (1L << 40) + i * (1L << 32));
        }
        spread.length(1L << 50);
        TestDisk.failure(Errno.ENOMEM, () -> check(FixMode.NONE, new MemoryDriver(spread.build())));
        assertThat(pool.outstanding()).isZero();
    }

    private static final Pattern ERRORS = Pattern.compile("(\\d+) errors were found");
    private static final Pattern LEAKS = Pattern.compile("(\\d+) leaked clusters");
    private static final Pattern ALLOCATION =
            Pattern.compile("(\\d+)/(\\d+) = [0-9.]+% allocated, ([0-9.]+)% fragmented");

    @Test
    void countsAreThoseOfQemu(@TempDir Path directory) throws Exception {
        long seed = 4711;
        Random random = new Random(seed);
        for (int round = 0; round < 12; round++) {
            ImageBuilder any = ImageBuilder.image(CLUSTER, 2 << random.nextInt(3), 4 << 20);
            mutate(any, random);
            byte[] bytes = any.build().toByteArray();
            Files.write(directory.resolve("r.qed"), bytes);
            Tools.Result theirs = Tools.qemuImg(directory, "check", "-f", "qed", "r.qed");
            CheckResult ours = check(FixMode.NONE, new MemoryDriver(SparseBytes.of(bytes)));
            String which = "seed " + seed + " round " + round + "\n" + theirs.text();
            assertThat(ours.corruptions()).as(which).isEqualTo(number(ERRORS, theirs.text()));
            assertThat(ours.leaks()).as(which).isEqualTo(number(LEAKS, theirs.text()));
            Matcher allocation = ALLOCATION.matcher(theirs.text());
            if (allocation.find()) {
                assertThat(ours.allocatedClusters()).as(which).isEqualTo(Long.parseLong(allocation.group(1)));
                assertThat(ours.totalClusters()).as(which).isEqualTo(Long.parseLong(allocation.group(2)));
                String share = "%.2f".formatted(100.0 * ours.fragmentedClusters() / ours.allocatedClusters());
                assertThat(share).as(which).isEqualTo(allocation.group(3));
            }
        }
    }

    private static long number(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
    }

    private static void mutate(ImageBuilder image, Random random) {
        for (int i = 0; i < 30; i++) {
            long pos = random.nextInt(1024) * 4096L;
            switch (random.nextInt(8)) {
                case 0 -> image.entry(pos, random.nextInt(4));
                case 1 -> image.take(1);
                case 2 -> image.entry(pos, random.nextInt(200) * 4096L);
                case 3 -> image.l1(random.nextInt(4), random.nextInt(200) * 4096L);
                default -> image.data(pos % (1 << 20), i);
            }
        }
    }
}
