// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How what a write has to log is divided among sectors: spec sections 6, 9.2 and 15.2, E1, E27. */
class JournalPlanTest {
    private static final int BUDGET = 1 << 20;
    private static final long BITMAP = 8192;
    private static final long TABLE = 16384;

    private FvdLayout layout;
    private ChunkTable table;
    private BaseBitmap bitmap;

    /** An image of this geometry, with every chunk mapped to the one of its number and dirty. */
    private void image(long size, long base, long block, long chunk) throws BlockException {
        layout = new FvdLayout(size, base, 1 << 20, BITMAP, block, TABLE, chunk);
        SparseBytes bytes = new SparseBytes();
        byte[] empty = new byte[1 << 16];
        Arrays.fill(empty, (byte) 0xff);
        bytes.write(TABLE, empty, 0, empty.length);
        Node file = TestImages.node("file", new MemoryDriver(bytes), OpenOptions.readWrite());
        table = chunk == 0 ? null : new ChunkTable(file, layout, BUDGET);
        bitmap = block == 0 ? null : new BaseBitmap(file, layout, BUDGET);
    }

    private void map(long first, long end) throws BlockException {
        for (long chunk = first; chunk < end; chunk++) {
            assertThat(table.set(chunk, 1, chunk, ChunkTable.DIRTY)).isTrue();
        }
    }

    private static long endChunk(JournalSector sector) {
        return sector.firstChunk() + sector.entries().length;
    }

    private boolean hasBits(long start, long end) throws BlockException {
        return bitmap != null && !bitmap.isSettled(start, end);
    }

    private List<JournalSector> plan(RecordFormat format, long start, long end) throws BlockException {
        List<JournalSector> sectors = JournalPlan.of(layout, format, table, hasBits(start, end), start, end, true);
        for (JournalSector sector : sectors) {
            assertThat(sector.bytes(format)).isBetween(1, 512);
        }
        return sectors;
    }

    @ParameterizedTest
    @CsvSource({"V1, 125, 1", "V1, 126, 2", "V1, 301, 3", "V2, 123, 1", "V2, 124, 2"})
    void placesAloneFillWholeSectors(RecordFormat format, int chunks, int sectors) throws BlockException {
        image(512 * 4096, 0, 0, 4096);
        map(0, chunks);
        List<JournalSector> plan = plan(format, 0, chunks * 4096L);
        assertThat(plan).hasSize(sectors);
        assertThat(plan.stream().mapToInt(s -> s.entries().length).sum()).isEqualTo(chunks);
        assertThat(plan.stream().noneMatch(JournalSector::hasBits)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"V1, 121, 1", "V1, 122, 2", "V2, 119, 1", "V2, 120, 2", "V2, 300, 3"})
    void placesAndBitsShareSectors(RecordFormat format, int chunks, int sectors) throws BlockException {
        image(512 * 4096, 512 * 4096, 4096, 4096);
        map(0, chunks);
        List<JournalSector> plan = plan(format, 0, chunks * 4096L);
        assertThat(plan).hasSize(sectors);
        expectWholeBlocks(plan, 0, chunks * 4096L);
    }

    /** Together the sectors set all bits, and each has the places of all chunks that its blocks touch. */
    private void expectWholeBlocks(List<JournalSector> plan, long start, long end) throws BlockException {
        long at = start;
        for (JournalSector sector : plan) {
            if (!sector.hasBits()) {
                continue;
            }
            assertThat(sector.bitStart()).isEqualTo(at);
            at = sector.bitEnd();
            if (!sector.afterBarrier()) {
                long from = layout.blockStart(layout.block(sector.bitStart()));
                long to = layout.blockEnd(layout.block(sector.bitEnd() - 1));
                assertThat(sector.firstChunk()).isLessThanOrEqualTo(layout.chunk(from));
                assertThat(endChunk(sector)).isGreaterThan(layout.chunk(to - 1));
            }
        }
        assertThat(at).isEqualTo(Math.min(end, layout.baseSize()));
    }

    @ParameterizedTest
    @EnumSource(RecordFormat.class)
    void blocksWithinOneChunkAreLoggedWithItsPlaceAlone(RecordFormat format) throws BlockException {
        image(16 << 16, 16 << 16, 8192, 1 << 16);
        map(0, 16);
        List<JournalSector> plan = plan(format, (3 << 16) + 512, (3 << 16) + 8704);
        assertThat(plan).hasSize(1);
        assertThat(plan.get(0).firstChunk()).isEqualTo(3);
        assertThat(plan.get(0).entries()).containsExactly(3);
        assertThat(plan.get(0).bitStart()).isEqualTo((3 << 16) + 512);
        assertThat(plan.get(0).bitEnd()).isEqualTo((3 << 16) + 8704);
        assertThat(plan.get(0).hidesData()).isTrue();
    }

    /** E1, E27, whatever blocks and chunks are to one another: no write has a bit without the places of its block. */
    @Test
    void everyPlanHasThePlacesOfAllBlocksWhoseBitsItSets() throws BlockException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            long chunk = 512L << random.nextInt(8);
            long block = 512L * (1 + random.nextInt(40));
            long size = 512L * (2 + random.nextInt(1000));
            long base = 512L * (1 + random.nextInt((int) (size / 512)));
            image(size, base, block, chunk);
            map(0, layout.chunks());
            RecordFormat format = random.nextBoolean() ? RecordFormat.V1 : RecordFormat.V2;
            for (int i = 0; i < 20; i++) {
                long start = 512L * random.nextInt((int) (base / 512));
                long end = start + 512L * (1 + random.nextInt((int) Math.min(300, (size - start) / 512)));
                expectWholeBlocks(plan(format, start, end), start, end);
            }
        }
    }

    /** E27: blocks that straddle chunks; the chunk at the border of two sectors is in both. */
    @ParameterizedTest
    @EnumSource(RecordFormat.class)
    void aBlockThatStraddlesTheBorderOfSectorsHasAllItsPlacesBesideItsBit(RecordFormat format) throws BlockException {
        image(400 * 4096, 400 * 4096 - 5 * 512, 7680, 4096);
        map(0, 400);
        List<JournalSector> plan = plan(format, 7680, 1_500_160);
        assertThat(plan.size()).isGreaterThan(3);
        expectWholeBlocks(plan, 7680, 1_500_160);
        assertThat(IntStream.range(1, plan.size()).anyMatch(i -> plan.get(i).firstChunk() < endChunk(plan.get(i - 1))))
                .isTrue();
    }

    /** E1: the chunks of a block are logged, also those that the write itself does not touch. */
    @ParameterizedTest
    @EnumSource(RecordFormat.class)
    void allChunksOfALargerBlockAreLoggedWithIt(RecordFormat format) throws BlockException {
        image(64 * 4096, 64 * 4096, 32768, 4096);
        map(0, 8);
        List<JournalSector> plan = plan(format, 4096, 8192);
        assertThat(plan).hasSize(1);
        assertThat(plan.get(0).firstChunk()).isZero();
        assertThat(plan.get(0).entries()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    }

    @ParameterizedTest
    @EnumSource(RecordFormat.class)
    void theBitOfABlockOfMoreChunksThanASectorTakesComesBehindABarrier(RecordFormat format) throws BlockException {
        image(1024 * 512, 1024 * 512, 256 * 512, 512);
        map(0, 512);
        List<JournalSector> plan = plan(format, 0, 512 * 512);
        assertThat(plan.stream().filter(JournalSector::hasBits)).hasSize(2).allMatch(JournalSector::afterBarrier);
        assertThat(plan.stream().mapToInt(s -> s.entries().length).sum()).isEqualTo(512);
        expectWholeBlocks(plan, 0, 512 * 512);
    }

    /** A record of a chunk without storage would be one of a chunk with the highest number. */
    @ParameterizedTest
    @EnumSource(RecordFormat.class)
    void chunksWithoutStorageAreLeftOut(RecordFormat format) throws BlockException {
        image(64 * 4096, 64 * 4096, 32768, 4096);
        map(2, 4);
        map(6, 7);
        List<JournalSector> plan = plan(format, 0, 32768);
        try (AlignedBuffer sector = AlignedBuffer.allocate(512)) {
            plan.get(0).encode(format, 7, sector, 0);
            StringBuilder seen = new StringBuilder();
            new RecordReader(format).read(sector, 0, new RecordReader.Visitor() {
                @Override
                public void bits(long firstSector, long count) {
                    seen.append("bits ").append(firstSector).append('+').append(count);
                }

                @Override
                public void entries(long epoch, long first, int count, int at) {
                    seen.append("entries ").append(first).append('+').append(count);
                    seen.append(" of ").append(epoch).append(", ");
                }

                @Override
                public void unknown(int at) {
                    seen.append("unknown");
                }
            });
            int epoch = format == RecordFormat.V1 ? 0 : 7;
            assertThat(seen).hasToString("entries 2+2 of " + epoch + ", entries 6+1 of " + epoch + ", bits 0+64");
        }
    }

    @Test
    void whatIsLoggedAlreadyIsNotLoggedAgain() throws BlockException {
        image(64 * 4096, 0, 0, 4096);
        map(0, 8);
        table.logged(0, new int[] {0, 1, 2});
        table.logged(5, new int[] {5, 6, 7});
        List<JournalSector> plan = plan(RecordFormat.V2, 0, 8 * 4096);
        assertThat(plan.get(0).firstChunk()).isEqualTo(3);
        assertThat(plan.get(0).entries()).containsExactly(3, 4);
        table.logged(3, new int[] {3, 4});
        assertThat(plan(RecordFormat.V2, 0, 8 * 4096)).isEmpty();
    }

    /** It is in no record yet, although the chunks around it are in one. */
    @Test
    void whatIsMappedWhileOthersAreLoggedIsLoggedLater() throws BlockException {
        image(64 * 4096, 0, 0, 4096);
        map(0, 3);
        map(4, 8);
        List<JournalSector> under = plan(RecordFormat.V2, 0, 8 * 4096);
        map(3, 4);
        table.logged(under.get(0).firstChunk(), under.get(0).entries());
        List<JournalSector> rest = plan(RecordFormat.V2, 0, 8 * 4096);
        assertThat(rest).hasSize(1);
        assertThat(rest.get(0).firstChunk()).isEqualTo(3);
        assertThat(rest.get(0).entries()).containsExactly(3);
    }

    @Test
    void whatLiesBehindTheBaseImageNeedsNoBits() throws BlockException {
        image(64 * 4096, 8 * 4096, 4096, 4096);
        map(6, 12);
        List<JournalSector> plan = plan(RecordFormat.V2, 6 * 4096, 12 * 4096);
        assertThat(plan).hasSize(2);
        assertThat(plan.get(0).bitEnd()).isEqualTo(8 * 4096);
        assertThat(plan.get(1).hasBits()).isFalse();
        assertThat(plan.get(1).firstChunk()).isEqualTo(8);
    }

    /** What is pinned at once must have room in memory, wherever the range lies. */
    @ParameterizedTest
    @EnumSource(RecordFormat.class)
    void theBitsOfASectorLieInFewPages(RecordFormat format) throws BlockException {
        image(256L << 30, 256L << 30, 512, 0);
        List<JournalSector> plan = plan(format, 512, 200L << 30);
        long at = 512;
        for (JournalSector sector : plan) {
            assertThat(sector.bitStart()).isEqualTo(at);
            assertThat(sector.bitBytes()).isLessThanOrEqualTo(7L * 4096 * 8 * 512);
            at = sector.bitEnd();
        }
        assertThat(at).isEqualTo(200L << 30);
    }

    @ParameterizedTest
    @CsvSource({"0", "1099511627776"})
    void aBlockMayBeLongerThanARecordCanSay(long chunk) throws BlockException {
        long block = 3L << 40;
        image(9L << 40, 9L << 40, block, chunk);
        List<JournalSector> plan = plan(RecordFormat.V2, 0, 7L << 40);
        for (long first = 0; first < 7L << 40; first += block) {
            long start = first;
            assertThat(plan).anyMatch(s -> s.hasBits() && s.bitStart() >= start && s.bitStart() < start + block);
        }
        assertThat(plan).allMatch(s -> s.bitBytes() / FvdHeader.SECTOR <= 0x7fffffffL);
    }
}
