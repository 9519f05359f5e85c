// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class FvdHeaderTest {
    private static final long MIB = 1 << 20;
    private static final long FILE = 64 * MIB;

    enum Layout {
        FIRST(HeaderV1.INSTANCE),
        SECOND(HeaderV2.INSTANCE);

        final HeaderFormat format;

        Layout(HeaderFormat format) {
            this.format = format;
        }
    }

    private static FvdHeader header(HeaderFormat format) {
        return new FvdHeader(
                format,
                32 * MIB,
                24576 + 4096,
                new NamedFile("", ""),
                new NamedFile("bäse.raw", "raw"),
                10 * MIB,
                false,
                new Area(8192, 4096),
                65536,
                new Area(12288, 4096),
                1 << 16,
                1 << 18,
                "run me",
                new Area(16384, 8192),
                format.version() == 1 ? 0 : 77,
                true,
                true,
                true,
                2_000_000,
                PrefetchSettings.defaults(5, MIB));
    }

    private static AlignedBuffer encoded(FvdHeader header) throws BlockException {
        AlignedBuffer bytes = AlignedBuffer.allocate(HeaderFormat.AREA);
        header.encode(bytes);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void everyFieldSurvivesEncodingAndDecoding(Layout layout) throws BlockException {
        FvdHeader header = header(layout.format);
        assertThat(FvdHeader.decode(encoded(header))).isEqualTo(header);
        assertThat(header.validate(FILE).blocks()).isEqualTo(160);
    }

    @Test
    void fieldsOfTheFirstLayoutStandUnalignedWhereTheProgramHasThem() throws BlockException {
        AlignedBuffer bytes = encoded(header(HeaderV1.INSTANCE));
        assertThat(bytes.getInt(0)).isEqualTo(0x5143F5A9);
        assertThat(bytes.getInt(4)).isEqualTo(1);
        assertThat(bytes.getLong(12)).isEqualTo(32 * MIB);
        assertThat(bytes.getLong(1068)).isEqualTo(10 * MIB);
        assertThat(bytes.getInt(1092)).isEqualTo(65536);
        assertThat(bytes.getInt(2208)).isEqualTo(1);
        assertThat(bytes.getLong(2220)).isEqualTo(65536);
        assertThat(bytes.getLong(4292)).isEqualTo(8192);
        assertThat(bytes.getInt(4300)).isEqualTo(1);
        assertThat(bytes.isZero(HeaderV1.BYTES, HeaderFormat.AREA - HeaderV1.BYTES))
                .isTrue();
    }

    @Test
    void fieldsOfTheSecondLayoutStandAligned() throws BlockException {
        AlignedBuffer bytes = encoded(header(HeaderV2.INSTANCE));
        byte[] magic = new byte[8];
        bytes.get(0, magic, 0, 8);
        assertThat(magic).containsExactly('F', 'V', 'D', 0, 2, 0, 0, 0);
        assertThat(bytes.getLong(8)).isEqualTo(32 * MIB);
        assertThat(bytes.getLong(16)).isEqualTo(28672);
        assertThat(bytes.getLong(2144)).isEqualTo(4096);
        assertThat(bytes.getLong(3208)).isEqualTo(77);
        assertThat(bytes.getInt(3216)).isEqualTo(1);
        assertThat(bytes.getLong(3232)).isEqualTo(5);
        assertThat(bytes.getInt(3312)).isEqualTo(1);
        assertThat(bytes.isZero(3316, HeaderFormat.AREA - 3316)).isTrue();
    }

    /** Fields that nobody uses, what stands behind a string's end, and a true that is not 1 (spec section 2). */
    @ParameterizedTest
    @EnumSource(Layout.class)
    void whatIsNotChangedStaysByteByByte(Layout layout) throws BlockException {
        AlignedBuffer bytes = encoded(header(layout.format));
        boolean first = layout == Layout.FIRST;
        for (int unused : first ? List.of(2152, 2160, 4308, 4312, 4316, 4320) : List.of(3316, 5000, 7408)) {
            bytes.putInt(unused, 0xdeadbeef);
        }
        byte[] name = "behind".getBytes(StandardCharsets.US_ASCII);
        bytes.put((first ? 28 : 1064) + 100, name, 0, name.length);
        bytes.putInt(first ? 4300 : 3216, -7);
        byte[] before = bytes(bytes);
        FvdHeader.decode(bytes).encode(bytes);
        assertThat(bytes(bytes)).isEqualTo(before);
    }

    private static byte[] bytes(AlignedBuffer buffer) {
        byte[] copy = new byte[buffer.capacity()];
        buffer.get(0, copy, 0, copy.length);
        return copy;
    }

    @Test
    void unknownVersionsAreToldFromOtherFormats() throws BlockException {
        AlignedBuffer bytes = encoded(header(HeaderV2.INSTANCE));
        bytes.putInt(4, 3);
        BlockException unknown = catchThrowableOfType(BlockException.class, () -> FvdHeader.decode(bytes));
        assertThat(unknown.errno()).isEqualTo(Errno.ENOTSUP);
        assertThat(unknown).hasMessage("Unsupported FVD version 3");
        bytes.putInt(0, 12345);
        BlockException other = catchThrowableOfType(BlockException.class, () -> FvdHeader.decode(bytes));
        assertThat(other.errno()).isEqualTo(Errno.EINVAL);
        FvdProvider provider = new FvdProvider();
        assertThat(provider.probe(bytes, 512)).isZero();
        assertThat(provider.probe(encoded(header(HeaderV1.INSTANCE)), 512)).isEqualTo(100);
        assertThat(provider.probe(encoded(header(HeaderV1.INSTANCE)), 4)).isZero();
    }

    /** Layout, offset and value of a field, 4 or 8 bytes long, that no header may have. */
    static Stream<Arguments> wrongFields() {
        return Stream.of(
                wrong(1, 12, 8, -1),
                wrong(1, 12, 8, 513),
                wrong(1, 12, 8, Long.MAX_VALUE & -512),
                wrong(1, 20, 8, 4335),
                wrong(1, 20, 8, FILE + 1),
                wrong(1, 20, 8, 20480),
                wrong(1, 1068, 8, 33 * MIB),
                wrong(1, 1068, 8, 511),
                wrong(1, 1076, 8, 4096),
                wrong(1, 1076, 8, 8193),
                wrong(1, 1076, 8, 12288),
                wrong(1, 1076, 8, Long.MAX_VALUE & -512),
                wrong(1, 1084, 8, 0),
                wrong(1, 1084, 8, 1L << 31),
                wrong(1, 1092, 4, 0),
                wrong(1, 1092, 4, 511),
                wrong(1, 1092, 4, -65536),
                wrong(1, 1100, 8, -1),
                wrong(1, 2172, 4, 0),
                wrong(1, 2172, 4, 65537),
                wrong(1, 2184, 4, 101),
                wrong(1, 2212, 8, 8192),
                wrong(1, 2212, 8, 100),
                wrong(1, 2220, 8, 0),
                wrong(1, 2220, 8, 1),
                wrong(1, 2220, 8, -512),
                wrong(1, 2228, 8, 65535),
                wrong(1, 4284, 8, 12288),
                wrong(1, 4284, 8, 1),
                wrong(1, 4292, 8, 1L << 31),
                wrong(1, 4292, 8, 511),
                wrong(1, 4292, 8, Long.MIN_VALUE),
                wrong(2, 8, 8, -512),
                wrong(2, 16, 8, 0),
                wrong(2, 2112, 8, 7168),
                wrong(2, 2128, 8, 0),
                wrong(2, 2136, 8, 16384),
                wrong(2, 2144, 8, 512),
                wrong(2, 2144, 8, 4097),
                wrong(2, 2152, 8, 0),
                wrong(2, 2160, 8, 512),
                wrong(2, 3208, 8, -1),
                wrong(2, 3208, 8, 1L << 62),
                wrong(2, 3208, 8, Long.MAX_VALUE),
                wrong(2, 3248, 8, 0));
    }

    private static Arguments wrong(int version, int at, int bytes, long value) {
        return Arguments.of(version, at, bytes, value);
    }

    @ParameterizedTest(name = "layout {0}: {3} at {1}")
    @MethodSource("wrongFields")
    void aFieldThatCannotBeIsRefused(int version, int at, int length, long value) throws BlockException {
        AlignedBuffer bytes = encoded(header(version == 1 ? HeaderV1.INSTANCE : HeaderV2.INSTANCE));
        if (length == Long.BYTES) {
            bytes.putLong(at, value);
        } else {
            bytes.putInt(at, (int) value);
        }
        BlockException refused = catchThrowableOfType(
                BlockException.class, () -> FvdHeader.decode(bytes).validate(FILE));
        assertThat(refused).isNotNull();
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
    }

    /** E13: the start may lie inside of a sector, and the data begins with the sector. */
    @ParameterizedTest
    @EnumSource(Layout.class)
    void theSectorThatTheDataBeginsInIsNotTheHeaders(Layout layout) throws BlockException {
        long end = FvdLayout.roundUp(layout.format.bytes(), FvdHeader.SECTOR);
        BlockException refused = catchThrowableOfType(
                BlockException.class, () -> plain(layout.format, end - 1).validate(FILE));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(plain(layout.format, end + 1).validate(FILE).dataStart()).isEqualTo(end);
    }

    /** A header of an image without metadata. */
    private static FvdHeader plain(HeaderFormat format, long dataOffset) {
        NamedFile none = new NamedFile("", "");
        return new FvdHeader(
                format,
                MIB,
                dataOffset,
                none,
                none,
                0,
                true,
                Area.NONE,
                0,
                Area.NONE,
                0,
                0,
                "",
                Area.NONE,
                0,
                true,
                false,
                false,
                0,
                PrefetchSettings.NONE);
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void stringsEndInTheirFields(Layout layout) throws BlockException {
        AlignedBuffer bytes = encoded(header(layout.format));
        bytes.fill(layout == Layout.FIRST ? 28 : 1064, 1024, (byte) 'x');
        assertThatThrownBy(() -> FvdHeader.decode(bytes)).hasMessage("FVD base_img has no end");
        bytes.fill(layout == Layout.FIRST ? 28 : 1064, 10, (byte) 0xff);
        bytes.putInt(layout == Layout.FIRST ? 36 : 1072, 0);
        assertThatThrownBy(() -> FvdHeader.decode(bytes)).hasMessage("FVD base_img is not valid UTF-8");
    }

    /** Random bytes give a header that is refused or one that is valid, and never another exception. */
    @Test
    void noiseNeverEscapesValidation() throws BlockException {
        Random random = new Random(5);
        for (int round = 0; round < 5000; round++) {
            HeaderFormat format = round % 2 == 0 ? HeaderV1.INSTANCE : HeaderV2.INSTANCE;
            AlignedBuffer bytes = encoded(header(format));
            for (int i = 0; i < 1 + random.nextInt(4); i++) {
                int at = 8 + random.nextInt(format.bytes() - 16);
                byte[] noise = new byte[8];
                random.nextBytes(noise);
                Arrays.fill(noise, 0, random.nextInt(8), (byte) (random.nextBoolean() ? 0 : -1));
                bytes.put(at, noise, 0, 8);
            }
            try {
                FvdHeader decoded = FvdHeader.decode(bytes);
                FvdLayout layout = decoded.validate(FILE);
                assertThat(layout.virtualSize()).isEqualTo(decoded.virtualSize());
            } catch (BlockException e) {
                assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            }
        }
    }
}
