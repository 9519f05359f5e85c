// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The header is read and written bit for bit, and each of its fields is checked, in the order of spec section 8. */
@Tag("jars")
class QedHeaderTest {
    private static final QedHeader GOOD = new QedHeader(4096, 2, 1, 0, 0, 0, 4096, 1 << 20, 0, 0);
    private static final long FILE = 3 * 4096;

    private static void refused(Errno errno, String reason, QedHeader header) {
        assertThat(TestDisk.failure(errno, () -> header.validate(FILE)).reason())
                .isEqualTo(reason);
    }

    private static QedHeader sizes(long clusterSize, long tableSize, long headerSize, long l1, long imageSize) {
        return new QedHeader(clusterSize, tableSize, headerSize, 0, 0, 0, l1, imageSize, 0, 0);
    }

    private static QedHeader backing(long offset, long size) {
        return GOOD.withBacking(QedHeader.BACKING_FILE, offset, size);
    }

    @Test
    void everyFieldSurvivesEncodingAndDecoding() throws Exception {
        Random random = new Random(20111);
        for (int i = 0; i < 1000; i++) {
            QedHeader header = new QedHeader(
                    random.nextInt() & 0xffffffffL,
                    random.nextInt() & 0xffffffffL,
                    random.nextInt() & 0xffffffffL,
                    random.nextLong(),
                    random.nextLong(),
                    random.nextLong(),
                    random.nextLong(),
                    random.nextLong(),
                    random.nextInt() & 0xffffffffL,
                    random.nextInt() & 0xffffffffL);
            try (AlignedBuffer buffer = AlignedBuffer.allocate(QedHeader.BYTES)) {
                header.encode(buffer);
                assertThat(QedHeader.decode(buffer)).isEqualTo(header);
            }
        }
    }

    @Test
    void fieldsStandWhereTheFormatSays() throws Exception {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(512)) {
            buffer.fill(0, 512, (byte) 0xee);
            new QedHeader(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa).encode(buffer);
            byte[] magic = new byte[4];
            buffer.get(0, magic, 0, 4);
            assertThat(magic).containsExactly('Q', 'E', 'D', 0);
            assertThat(buffer.getInt(4)).isEqualTo(0x11);
            assertThat(buffer.getInt(8)).isEqualTo(0x22);
            assertThat(buffer.getInt(12)).isEqualTo(0x33);
            assertThat(buffer.getLong(16)).isEqualTo(0x44);
            assertThat(buffer.getLong(24)).isEqualTo(0x55);
            assertThat(buffer.getLong(32)).isEqualTo(0x66);
            assertThat(buffer.getLong(40)).isEqualTo(0x77);
            assertThat(buffer.getLong(48)).isEqualTo(0x88);
            assertThat(buffer.getInt(56)).isEqualTo(0x99);
            assertThat(buffer.getInt(60)).isEqualTo(0xaa);
            assertThat(buffer.getByte(64)).isEqualTo((byte) 0xee);
        }
    }

    @Test
    void otherMagicIsNoQedImage() throws Exception {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(QedHeader.BYTES)) {
            buffer.putInt(0, QedHeader.MAGIC + 1);
            assertThat(TestDisk.failure(Errno.EINVAL, () -> QedHeader.decode(buffer))
                            .reason())
                    .isEqualTo("Image not in QED format");
        }
    }

    @Test
    void aGoodHeaderGivesItsLayout() throws Exception {
        assertThat(GOOD.validate(FILE)).isEqualTo(new QedLayout(4096, 2, 1, 4096));
        new QedHeader(4096, 2, 1, 7, -1, -1, 4096, 0, 64, 4032).validate(FILE + 100);
    }

    @Test
    void unknownFeaturesAreNamedInHex() {
        refused(Errno.ENOTSUP, "Unsupported QED features: 8", GOOD.withFeature(0x8, true));
        refused(
                Errno.ENOTSUP,
                "Unsupported QED features: 8000000000000010",
                GOOD.withFeature(0x8000000000000010L, true).withFeature(QedHeader.NEED_CHECK, true));
    }

    @Test
    void clusterSizesAreCheckedBeforeTableSizes() {
        for (long size : new long[] {0, 1, 2048, 4097, 5000, 128 << 20, 0x80000000L, 0xffffffffL}) {
            refused(Errno.EINVAL, "QED cluster size is invalid", sizes(size, 3, 1, 4096, 0));
        }
    }

    @Test
    void tableSizesAreCheckedBeforeImageSizes() {
        for (long size : new long[] {0, 3, 6, 15, 32, 0x80000000L, 0xffffffffL}) {
            refused(Errno.EINVAL, "QED table size is invalid", sizes(4096, size, 1, 4096, 1));
        }
    }

    @Test
    void aHeaderAreaOfNoClustersIsRefused() {
        refused(Errno.EINVAL, "QED header size is invalid", sizes(4096, 2, 0, 4096, 0));
    }

    @Test
    void imageSizesAreCheckedBeforeTheTableOffset() throws Exception {
        long max = 4L << 30;
        for (long size : new long[] {1, 511, 513, max + 512, Long.MAX_VALUE, Long.MIN_VALUE, -512}) {
            refused(Errno.EINVAL, "QED image size is invalid", sizes(4096, 2, 1, 1, size));
        }
        sizes(4096, 2, 1, 4096, max).validate(FILE);
        sizes(4096, 2, 1, 4096, 0).validate(FILE);
        sizes(4096, 2, 1, 4096, 512).validate(FILE);
    }

    @Test
    void theL1TableLiesBehindTheHeaderAndInsideTheFile() throws Exception {
        for (long offset : new long[] {0, 1, 4095, 4097, 8192, 12288, -4096, Long.MAX_VALUE & -4096, Long.MIN_VALUE}) {
            refused(Errno.EINVAL, "QED table offset is invalid", sizes(4096, 2, 1, offset, 0));
        }
        refused(Errno.EINVAL, "QED table offset is invalid", sizes(4096, 2, 2, 4096, 0));
        refused(Errno.EINVAL, "QED table offset is invalid", sizes(4096, 2, 0xffffffffL, 4096, 0));
        sizes(4096, 1, 2, 8192, 0).validate(FILE);
        assertThat(TestDisk.failure(Errno.EINVAL, () -> GOOD.validate(FILE - 1)).reason())
                .isEqualTo("QED table offset is invalid");
    }

    @Test
    void aHeaderAreaOfFourGibibytesIsTooLarge() {
        long l1 = 1L << 32;
        QedHeader header = sizes(4096, 1, 1 << 20, l1, 0);
        assertThat(TestDisk.failure(Errno.EINVAL, () -> header.validate(l1 + 4096))
                        .reason())
                .isEqualTo("QED header size is too large");
    }

    @Test
    void theBackingNameLiesInTheHeaderAreaBehindTheHeader() throws Exception {
        refused(Errno.EINVAL, "QED backing filename offset is invalid", backing(63, 1));
        refused(Errno.EINVAL, "QED backing filename offset is invalid", backing(0, 0));
        refused(Errno.EINVAL, "QED backing filename offset is invalid", backing(64, 4033));
        refused(Errno.EINVAL, "QED backing filename offset is invalid", backing(4096, 1));
        refused(Errno.EINVAL, "QED backing filename offset is invalid", backing(64, 0xffffffffL));
        refused(Errno.EINVAL, "QED backing filename offset is invalid", backing(0xffffffffL, 2));
        backing(64, 4032).validate(FILE);
        backing(4095, 1).validate(FILE);
        backing(63, 1).withFeature(QedHeader.BACKING_FILE, false).validate(FILE);
    }

    @Test
    void aBackingNameLongerThanAPathIsRefused() throws Exception {
        QedHeader header = new QedHeader(65536, 1, 1, 1, 0, 0, 65536, 0, 64, 4096);
        assertThat(TestDisk.failure(Errno.EINVAL, () -> header.validate(2 * 65536))
                        .reason())
                .isEqualTo("Failed to read backing filename");
        new QedHeader(65536, 1, 1, 1, 0, 0, 65536, 0, 64, 4095).validate(2 * 65536);
    }

    @Test
    void changesKeepWhatTheyAreNotAbout() {
        QedHeader header = new QedHeader(4096, 2, 3, 0x7, 0x55, 0x66, 4096, 512, 70, 5);
        assertThat(header.withoutAutoclear()).isEqualTo(new QedHeader(4096, 2, 3, 0x7, 0x55, 0, 4096, 512, 70, 5));
        assertThat(header.withImageSize(1024)).isEqualTo(new QedHeader(4096, 2, 3, 0x7, 0x55, 0x66, 4096, 1024, 70, 5));
        assertThat(header.withBacking(1, 80, 9))
                .isEqualTo(new QedHeader(4096, 2, 3, 0x3, 0x55, 0x66, 4096, 512, 80, 9));
        assertThat(header.withFeature(2, false))
                .isEqualTo(new QedHeader(4096, 2, 3, 0x5, 0x55, 0x66, 4096, 512, 70, 5));
    }
}
