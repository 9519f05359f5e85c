// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import static io.loomblock.addcow.TestDisk.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.addcow.AddCowHeader.NamePlace;
import io.loomblock.memory.AlignedBuffer;
import java.util.HexFormat;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The 76 bytes are read and written as the format says, and every field is held to its bounds. */
@Tag("jars")
class AddCowHeaderTest {
    private static final AddCowHeader GOOD =
            new AddCowHeader(new NamePlace(76, 8), new NamePlace(84, 8), 16, 0, 0, 65536, "qed", "raw");

    private static AlignedBuffer encoded(AddCowHeader header) throws BlockException {
        AlignedBuffer buffer = AlignedBuffer.allocate(AddCowHeader.BYTES);
        header.encode(buffer);
        return buffer;
    }

    private static AddCowHeader with(NamePlace backing, NamePlace image, long bits, long headerSize) {
        return new AddCowHeader(backing, image, bits, 0, 0, headerSize, "qed", "raw");
    }

    private static AddCowHeader places(NamePlace backing, NamePlace image) {
        return with(backing, image, 16, 65536);
    }

    private static void refused(Errno errno, AddCowHeader header) {
        failure(errno, header::validate);
    }

    @Test
    void bytesAreWhereTheFormatPutsThem() throws Exception {
        AddCowHeader header = new AddCowHeader(
                new NamePlace(0x4c, 0x102),
                new NamePlace(0x203, 0x304),
                21,
                0x1122334455667788L,
                3,
                2 << 20,
                "qcow2",
                "raw");
        byte[] bytes = new byte[AddCowHeader.BYTES];
        encoded(header).get(0, bytes, 0, bytes.length);
        assertThat(HexFormat.of().formatHex(bytes))
                .isEqualTo("41434f57" + "4c000000" + "02010000" + "03020000" + "04030000" + "15000000"
                        + "8877665544332211" + "0300000000000000" + "00002000"
                        + "71636f77320000000000000000000000" + "72617700000000000000000000000000");
        assertThat(AddCowHeader.decode(encoded(header))).isEqualTo(header);
    }

    @Test
    void anotherMagicIsRefused() throws Exception {
        AlignedBuffer buffer = encoded(GOOD);
        buffer.putByte(3, (byte) 'X');
        failure(Errno.EINVAL, () -> AddCowHeader.decode(buffer));
    }

    @ParameterizedTest(name = "bit {0}")
    @ValueSource(ints = {0, 1, 31, 32, 63})
    void everyFeatureIsRefusedByItsNumber(int bit) {
        long features = 1L << bit;
        AddCowHeader header = new AddCowHeader(GOOD.backing(), GOOD.image(), 16, features, 0, 65536, "qed", "raw");
        BlockException e = failure(Errno.ENOTSUP, header::validate);
        assertThat(e.reason()).contains("0x" + Long.toHexString(features));
    }

    @Test
    void unknownCompatibleFeaturesAreKept() throws Exception {
        AddCowHeader header =
                new AddCowHeader(GOOD.backing(), GOOD.image(), 16, 0, 0xfffffffffffffffeL, 65536, "qed", "raw");
        header.validate();
        assertThat(header.allAllocated()).isFalse();
        assertThat(header.withAllAllocated().compatFeatures()).isEqualTo(-1L);
        assertThat(header.withBacking(NamePlace.NONE, "").compatFeatures()).isEqualTo(0xfffffffffffffffeL);
    }

    @ParameterizedTest(name = "2^{0}")
    @ValueSource(ints = {12, 13, 16, 20, 21})
    void clusterSizesOfTheFormat(int bits) throws Exception {
        AddCowHeader header = with(GOOD.backing(), GOOD.image(), bits, 1 << bits);
        AddCowLayout layout = header.validate();
        assertThat(layout.clusterSize()).isEqualTo(1 << bits);
        // R7
        assertThat(layout.headerSize()).isGreaterThanOrEqualTo(4096);
        assertThat(layout.headerSize() % 4096).isZero();
    }

    /** 9 to 11 were allowed up to version 18. */
    @ParameterizedTest(name = "2^{0}")
    @ValueSource(longs = {0, 9, 11, 22, 63, 64, 0xffffffffL})
    void otherClusterSizesAreRefused(long bits) {
        refused(Errno.EINVAL, with(GOOD.backing(), GOOD.image(), bits, 4096));
    }

    @ParameterizedTest(name = "2^{0}, header of {1}")
    @CsvSource({"12, 0", "12, 4095", "12, 8192", "16, 4096", "16, 65535", "21, 4294967295"})
    void otherHeaderSizesAreRefused(int bits, long headerSize) {
        BlockException e = failure(
                Errno.ENOTSUP,
                () -> with(GOOD.backing(), GOOD.image(), bits, headerSize).validate());
        assertThat(e.reason()).endsWith(": " + headerSize);
    }

    @ParameterizedTest(name = "{1} bytes at {0}")
    @CsvSource({"76, 1", "76, 1023", "65535, 1", "64513, 1023", "40000, 7"})
    void namesMayStandAnywhereInTheHeader(long offset, long size) throws Exception {
        NamePlace place = new NamePlace(offset, size);
        NamePlace other = new NamePlace(20000, 100);
        places(place, other).validate();
        places(other, place).validate();
        places(NamePlace.NONE, place).validate();
    }

    @ParameterizedTest(name = "{1} bytes at {0}")
    @CsvSource({
        "75, 1",
        "1, 4",
        "76, 1024",
        "76, 0",
        "65536, 1",
        "64514, 1023",
        "4294967295, 1",
        "4294967295, 4294967295",
        "76, 4294967295"
    })
    void namesOutsideOfTheHeaderAreRefused(long offset, long size) {
        NamePlace place = new NamePlace(offset, size);
        NamePlace other = new NamePlace(20000, 100);
        refused(Errno.EINVAL, places(place, other));
        refused(Errno.EINVAL, places(other, place));
    }

    @Test
    void halfABackingReferenceIsRefused() {
        refused(Errno.EINVAL, places(new NamePlace(0, 5), GOOD.image()));
        refused(Errno.EINVAL, places(new NamePlace(200, 0), GOOD.image()));
    }

    @Test
    void aDataFileMustBeNamed() {
        refused(Errno.EINVAL, places(NamePlace.NONE, NamePlace.NONE));
    }

    @Test
    void namesMustNotOverlap() throws Exception {
        refused(Errno.EINVAL, places(new NamePlace(100, 10), new NamePlace(109, 10)));
        refused(Errno.EINVAL, places(new NamePlace(100, 10), new NamePlace(100, 10)));
        refused(Errno.EINVAL, places(new NamePlace(100, 10), new NamePlace(91, 10)));
        places(new NamePlace(100, 10), new NamePlace(110, 10)).validate();
        places(new NamePlace(100, 10), new NamePlace(90, 10)).validate();
    }

    private static AddCowHeader formats(UnaryOperator<String> change, boolean backing) {
        return new AddCowHeader(
                GOOD.backing(),
                GOOD.image(),
                16,
                0,
                0,
                65536,
                backing ? change.apply("qed") : "qed",
                backing ? "raw" : change.apply("raw"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void formatsMustEndAndNotBeEmpty(boolean backing) throws Exception {
        refused(Errno.EINVAL, formats(name -> "", backing));
        refused(Errno.EINVAL, formats(name -> "x".repeat(16), backing));
        AddCowHeader longest = formats(name -> "x".repeat(15), backing);
        longest.validate();
        assertThat(AddCowHeader.decode(encoded(longest))).isEqualTo(longest);
    }

    @Test
    void aFormatWithoutItsEndDoesNotRunIntoTheNextField() throws Exception {
        AddCowHeader unended = formats(name -> "0123456789abcdef", true);
        AddCowHeader decoded = AddCowHeader.decode(encoded(unended));
        assertThat(decoded.backingFormat()).isEqualTo("0123456789abcdef");
        refused(Errno.EINVAL, decoded);
    }

    /** Where everything is in the data file the backing fields mean nothing, whatever they hold. */
    @Test
    void backingFieldsDoNotMatterWhereEverythingIsAllocated() throws Exception {
        AddCowHeader header = new AddCowHeader(
                new NamePlace(5, 9999), GOOD.image(), 16, 0, AddCowHeader.ALL_ALLOCATED, 65536, "", "raw");
        header.validate();
        assertThat(header.namesBacking()).isFalse();
    }
}
