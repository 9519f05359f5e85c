// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectFailure;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Accounting;
import io.loomblock.Accounting.Figures;
import io.loomblock.Accounting.Kind;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The figures of a device agree with what was asked of it. */
class StatisticsTest {
    private static final long BAD = 4 * MIB;
    private static final int SIZE = 8 * MIB;

    @TempDir
    Path directory;

    /** What is to be done, and what the figures are to say of it. */
    private static final class Expected {
        private final BlockDevice device;
        private long readBytes;
        private long reads;
        private long writeBytes;
        private long writes;
        private long flushes;
        private long invalidReads;
        private long invalidWrites;
        private long failedReads;
        private long failedWrites;
        private long highest;

        Expected(BlockDevice device) {
            this.device = device;
        }

        void read(int size, int count) throws BlockException {
            for (int i = 0; i < count; i++) {
                device.read((long) i * size, ByteBuffer.allocate(size));
            }
            reads += count;
            readBytes += (long) size * count;
            check();
        }

        void write(int size, int count) throws BlockException {
            for (int i = 0; i < count; i++) {
                device.write((long) i * size, ByteBuffer.allocate(size));
            }
            writes += count;
            writeBytes += (long) size * count;
            highest = Math.max(highest, (long) size * count);
            check();
        }

        void flush(int count) throws BlockException {
            for (int i = 0; i < count; i++) {
                device.flush();
            }
            flushes += count;
            check();
        }

        void invalid(int readCount, int writeCount) {
            for (int i = 0; i < readCount; i++) {
                expectFailure(Errno.EIO, () -> device.read(SIZE, ByteBuffer.allocate(512)));
            }
            for (int i = 0; i < writeCount; i++) {
                expectFailure(Errno.EIO, () -> device.write(SIZE - 1, ByteBuffer.allocate(512)));
            }
            invalidReads += readCount;
            invalidWrites += writeCount;
            check();
        }

        void failed(int readCount, int writeCount) {
            for (int i = 0; i < readCount; i++) {
                expectFailure(Errno.EIO, () -> device.read(BAD, ByteBuffer.allocate(512)));
            }
            for (int i = 0; i < writeCount; i++) {
                expectFailure(Errno.EIO, () -> device.write(BAD, ByteBuffer.allocate(512)));
            }
            failedReads += readCount;
            failedWrites += writeCount;
            highest = writeCount > 0 ? Math.max(highest, BAD + 512) : highest;
            check();
        }

        void check() {
            Accounting accounting = device.accounting();
            check(accounting.of(Kind.READ), reads, readBytes, failedReads, invalidReads);
            check(accounting.of(Kind.WRITE), writes, writeBytes, failedWrites, invalidWrites);
            check(accounting.of(Kind.FLUSH), flushes, 0, 0, 0);
            check(accounting.of(Kind.UNMAP), 0, 0, 0, 0);
            assertThat(device.highestWritten()).isEqualTo(highest);
            assertThat(accounting.idleNanos()).isNotNegative();
        }

        private static void check(Figures figures, long operations, long bytes, long failed, long invalid) {
            assertThat(figures.operations()).isEqualTo(operations);
            assertThat(figures.bytes()).isEqualTo(bytes);
            assertThat(figures.failed()).isEqualTo(failed);
            assertThat(figures.invalid()).isEqualTo(invalid);
            assertThat(figures.totalTimeNanos() > 0).isEqualTo(operations + failed > 0);
        }
    }

    private static BlockDevice brokenInOnePlace() throws BlockException {
        MemoryDriver memory = TestImages.create("raw", CreateOptions.ofSize(SIZE));
        FaultDriver file = new FaultDriver(memory);
        file.arm(FaultDriver.Fault.always(
                request -> request.offset() == BAD && request.kind() != RequestLog.Kind.FLUSH));
        return TestImages.open("disk", file, OpenOptions.readWrite().withFormat("raw"));
    }

    @Test
    @DisplayName("iotest 136: figures of reads, writes and flushes, failed and invalid ones apart")
    void iotest136FiguresOfEveryKind() throws Exception {
        try (BlockDevice device = brokenInOnePlace()) {
            Expected expected = new Expected(device);
            expected.check();
            for (int count : new int[] {1, 12}) {
                for (int size : new int[] {512, 65536}) {
                    expected.read(size, count);
                    expected.write(size, count);
                }
            }
            expected.flush(8);
            expected.invalid(7, 0);
            expected.invalid(0, 3);
            expected.failed(8, 0);
            expected.failed(0, 6);
            expected.failed(5, 12);
        }
    }

    @Test
    @DisplayName("iotest 136: nothing is counted before the first request")
    void iotest136NoRequest() throws Exception {
        try (BlockDevice device = brokenInOnePlace()) {
            new Expected(device).check();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd"})
    @DisplayName("iotest 227: figures begin at zero, however the device was made, and belong to it alone")
    void iotest227FiguresBeginAtZero(String format) throws Exception {
        PortImages images = new PortImages(directory, format);
        images.create("disk", MIB);
        try (BlockDevice device = images.open("disk")) {
            new Expected(device).check();
            device.write(0, ByteBuffer.allocate(512));
        }
        OpenOptions options = OpenOptions.readWrite().withFormat(format);
        MemoryDriver memory = TestImages.create(format, CreateOptions.ofSize(MIB));
        try (BlockDevice again = images.openReadOnly("disk");
                BlockDevice onANode = TestImages.open("disk", memory, options);
                BlockDevice protocol = BlockDevice.open("null-co://", options.withFormat("null-co"))) {
            for (BlockDevice device : new BlockDevice[] {again, onANode, protocol}) {
                new Expected(device).check();
            }
            onANode.read(0, ByteBuffer.allocate(512));
            new Expected(again).check();
        }
    }
}
