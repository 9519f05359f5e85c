// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Limits;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.TestFiles;
import io.loomblock.testkit.TestImages;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Writes of zeros clear exactly the range that they name, whatever the alignment of the file. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ZeroWriteTest {
    private static BlockDevice openAligned(String format, CreateOptions options, int sector) throws BlockException {
        if (format.equals("add-cow")) {
            return openAlignedAddCow(options, sector);
        }
        OpenOptions how = OpenOptions.readWrite().withFormat(format);
        return BlockDevice.openOn(
                Blkdebug.on("test." + format, TestImages.create(format, options), how, "align", String.valueOf(sector)),
                how);
    }

    /** Both of its files want whole sectors. */
    private static BlockDevice openAlignedAddCow(CreateOptions options, int sector) throws BlockException {
        TestFiles files = AddCowImages.create(options.size(), 64 * KIB, "raw", new byte[0]);
        for (String name : List.of(AddCowImages.NAME, AddCowImages.DATA)) {
            files.put(name, new ForwardingDriver(files.memory(name)) {
                @Override
                public Limits limits() {
                    return Limits.NONE.withAlignment(sector, 1);
                }
            });
        }
        return AddCowImages.open(files, OpenOptions.readWrite());
    }

    @ParameterizedTest
    @CsvSource({"raw,512", "raw,4096", "qed,512", "qed,4096", "add-cow,512", "add-cow,4096", "fvd,512", "fvd,4096"})
    @DisplayName("iotest 033: zeros that begin and end inside of sectors and clusters")
    void iotest033ZerosAtOddPlaces(String format, int sector) throws Exception {
        try (BlockDevice device = openAligned(format, CreateOptions.ofSize(128L * MIB), sector)) {
            writeAtOnce(device, 0x200, 0x400, 0xa);
            writeAtOnce(device, 0x20000, 0x600, 0xa);
            device.writeZeroes(0x400, 0x20000, 0);
            expectAtOnce(device, 0, 0x200, 0);
            expectAtOnce(device, 0x200, 0x200, 0xa);
            expectAtOnce(device, 0x400, 0x20000, 0);
            expectAtOnce(device, 0x20400, 0x200, 0xa);
            expectAtOnce(device, 0x20600, 0x200, 0);

            writeAtOnce(device, 0x10000, 0x10000, 0xb);
            device.writeZeroes(0x10000, 0x10000, 0);
            expectAtOnce(device, 0x10000, 0x10000, 0);

            writeAtOnce(device, 0, 0x1000, 0xb);
            device.writeZeroes(0x200, 0x200, 0);
            expectAtOnce(device, 0, 0x200, 0xb);
            expectAtOnce(device, 0x200, 0x200, 0);
            expectAtOnce(device, 0x400, 0xc00, 0xb);
        }
    }

    @ParameterizedTest
    @CsvSource({"raw,512", "raw,4096", "qed,512", "qed,4096", "add-cow,512", "add-cow,4096", "fvd,512", "fvd,4096"})
    @DisplayName("iotest 033: the same sector is written and zeroed by several at once")
    void iotest033NeighboursAtOnce(String format, int sector) throws Exception {
        try (BlockDevice device = openAligned(format, CreateOptions.ofSize(128L * MIB), sector)) {
            writeAtOnce(device, 0, 0x40000, 0xa);
            Requests.together(List.of(
                    () -> writeAtOnce(device, 0x200, 0x200, 0xb),
                    () -> device.writeZeroes(0x400, 0x20000, 0),
                    () -> writeAtOnce(device, 0x20400, 0x200, 0xc),
                    () -> device.writeZeroes(0x20600, 0x200, 0)));
            expectAtOnce(device, 0, 0x200, 0xa);
            expectAtOnce(device, 0x200, 0x200, 0xb);
            expectAtOnce(device, 0x400, 0x20000, 0);
            expectAtOnce(device, 0x20400, 0x200, 0xc);
            expectAtOnce(device, 0x20600, 0x200, 0);
            expectAtOnce(device, 0x20800, 0x800, 0xa);
        }
    }

    @ParameterizedTest
    @CsvSource({"512", "4096"})
    @DisplayName("iotest 033: single sectors in the first cluster of each of two tables")
    void iotest033FirstClustersOfTwoTables(int sector) throws Exception {
        long span = 2L * MIB;
        CreateOptions options =
                CreateOptions.ofSize(2 * span).with("cluster_size", 4 * KIB).with("table_size", 1);
        try (BlockDevice device = openAligned("qed", options, sector)) {
            writeAtOnce(device, 0, 512, 1);
            writeAtOnce(device, span, 512, 1);
            for (long at : new long[] {0, span}) {
                expectAtOnce(device, at, 512, 1);
                expectAtOnce(device, at + 512, 7 * 512, 0);
            }
        }
    }
}
