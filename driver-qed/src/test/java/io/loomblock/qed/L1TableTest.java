// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import org.junit.jupiter.api.Test;

/** The L1 table in memory: which entries may be followed, which sectors differ from the file, and how it grows. */
class L1TableTest {
    private static final int CLUSTER = 4096;
    /** Guest bytes that an L2 table maps. */
    private static final long SPAN = 4 << 20;

    private final QedLayout layout = new QedLayout(CLUSTER, 2, 1, CLUSTER);

    private Node node(ImageBuilder image) throws Exception {
        return TestImages.node("test.qed", new MemoryDriver(image.build()), OpenOptions.readWrite());
    }

    @Test
    void onlyTheEntriesThatTheDiskUsesAreLoaded() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 3 * SPAN);
        Node node = node(image);
        assertThat(L1Table.load(node, layout, 3 * SPAN, image.end()).entries()).isEqualTo(3);
        assertThat(L1Table.load(node, layout, 3 * SPAN + 512, image.end()).entries())
                .isEqualTo(4);
        assertThat(L1Table.load(node, layout, 0, image.end()).entries()).isZero();
        assertThat(L1Table.load(node, layout, 0, image.end()).memoryBytes()).isZero();
        assertThat(L1Table.load(node, layout, 3 * SPAN, image.end()).memoryBytes())
                .isEqualTo(512);
    }

    @Test
    void entriesThatPointAtNoTableAreInvalid() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 12 * SPAN);
        long table = image.table(0);
        image.l1(1, 1)
                .l1(2, CLUSTER)
                .l1(3, 2 * CLUSTER)
                .l1(4, table + 1)
                .l1(5, image.end())
                .l1(6, image.end() - CLUSTER)
                .l1(7, -4096)
                .l1(8, 0)
                .l1(9, table);
        L1Table l1 = L1Table.load(node(image), layout, 12 * SPAN, image.end());
        for (int i = 0; i < 12; i++) {
            assertThat(l1.isInvalid(i)).as("entry %d", i).isEqualTo(i >= 1 && i <= 7);
        }
        assertThat(l1.tableOffsets()).containsExactly(table);
    }

    @Test
    void anEntryThatWasInvalidStaysSo() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 4 * SPAN);
        image.l1(1, image.end());
        long fileEnd = image.end();
        image.take(10);
        Node node = node(image);
        L1Table l1 = L1Table.load(node, layout, 2 * SPAN, fileEnd);
        assertThat(l1.isInvalid(1)).isTrue();
        assertThat(l1.grow(node, 4 * SPAN, fileEnd).isInvalid(1)).isTrue();
    }

    @Test
    void dirtySectorsAreTakenOnceAndMayBeGivenBack() throws Exception {
        long size = 200 * SPAN;
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, size);
        Node node = node(image);
        L1Table l1 = L1Table.load(node, layout, size, image.end());
        assertThat(l1.isDirty()).isFalse();
        l1.set(0, 0x10000);
        l1.set(130, 0x20000);
        L1Table.Sectors taken = l1.takeDirty();
        assertThat(l1.isDirty()).isFalse();
        assertThat(taken.numbers().stream().toArray()).containsExactly(0, 2);
        l1.set(1, 0x30000);
        l1.giveBack(taken);
        L1Table.Sectors again = l1.takeDirty();
        assertThat(again.numbers()).isEqualTo(taken.numbers());
        try (AlignedBuffer bounce = AlignedBuffer.allocate(512)) {
            taken.write(node, CLUSTER, bounce);
            assertThat(reload(node, size, 1)).isZero();
            again.write(node, CLUSTER, bounce);
        }
        assertThat(reload(node, size, 0)).isEqualTo(0x10000);
        assertThat(reload(node, size, 1)).isEqualTo(0x30000);
        assertThat(reload(node, size, 130)).isEqualTo(0x20000);
    }

    private long reload(Node node, long size, int index) throws Exception {
        return L1Table.load(node, layout, size, node.length()).get(index);
    }

    @Test
    void growingKeepsWhatIsInMemoryAndTakesInWhatIsInTheFile() throws Exception {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, 2 * SPAN);
        image.take(4);
        image.l1(3, image.end() - 2 * CLUSTER).l1(4, image.end()).l1(100, image.end() - 2 * CLUSTER);
        Node node = node(image);
        L1Table l1 = L1Table.load(node, layout, 2 * SPAN, image.end());
        // A table made since the open lies past the end that the file had then.
        l1.set(0, image.end() + CLUSTER);
        L1Table grown = l1.grow(node, 101 * SPAN, image.end());
        assertThat(grown.entries()).isEqualTo(101);
        assertThat(grown.get(0)).isEqualTo(image.end() + CLUSTER);
        assertThat(grown.isInvalid(0)).isFalse();
        assertThat(grown.get(3)).isEqualTo(image.end() - 2 * CLUSTER);
        assertThat(grown.isInvalid(3)).isFalse();
        assertThat(grown.isInvalid(4)).isTrue();
        assertThat(grown.get(100)).isEqualTo(image.end() - 2 * CLUSTER);
        assertThat(grown.isDirty()).isTrue();
    }
}
