// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.interop;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.QedImages;
import io.loomblock.iotests.support.QedReader;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Tools;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our driver and QEMU's tools on the same images, both ways (acceptance rows 2 and 37). */
@Tag("jars")
@Timeout(300)
class QemuInteropTest {
    private static final boolean SOAK = Boolean.getBoolean("loomblock.soak");
    private static final int ROUNDS = SOAK ? 40 : 2;
    private static final int MIB = 1 << 20;
    private static final int SIGKILL = 9;

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void tools() {
        Tools.require("qemu-img");
        Tools.require("qemu-io");
        image = directory.resolve("t.qed");
    }

    private static BlockDevice open(Path image, boolean writable) throws Exception {
        return BlockDevice.open(image.toString(), writable ? QedImages.readWrite() : QedImages.readOnly());
    }

    private void create(CreateOptions options) throws Exception {
        BlockDevice.create("qed", image.toString(), options, OpenOptions.readWrite());
    }

    /** The guest's view as QEMU reads it. */
    private Path convertedByQemu() {
        Path raw = directory.resolve("converted.raw");
        Tools.qemuImg(directory, "convert", "-f", "qed", "-O", "raw", image.toString(), raw.toString())
                .expectExit(0);
        return raw;
    }

    private void expectSameAsQemuReads() throws Exception {
        byte[] theirs = Files.readAllBytes(convertedByQemu());
        try (BlockDevice device = open(image, false)) {
            assertThat(Guest.sha256(device))
                    .isEqualTo(HexFormat.of().formatHex(Guest.digest().digest(theirs)));
        }
    }

    /** QEMU miscounts the clusters of files above 16 MiB with 4 KiB clusters, so these images stay below. */
    @ParameterizedTest(name = "clusters {0}, table of {1}, {2} bytes, backing {3}")
    @CsvSource({
        "4096, 2, 6291456, 0",
        "4096, 16, 5000192, 0",
        "65536, 4, 20971520, 0",
        "1048576, 2, 16777728, 0",
        "8192, 8, 6291456, 3000000",
        "65536, 4, 8388608, 9000000",
        "262144, 16, 8388608, 100001"
    })
    void whatWeWriteQemuReads(int clusterSize, int tableSize, long size, int backing) throws Exception {
        CreateOptions options = QedImages.options(size, clusterSize, tableSize);
        byte[] base = new byte[0];
        if (backing > 0) {
            base = Pattern.bytes(7_000_000, 0, backing);
            QedImages.raw(directory, "base.raw", base);
            options = options.withBacking("base.raw", "raw");
        }
        create(options);
        DiskModel model = new DiskModel(size, DiskModel.Content.of(base), 1);
        for (int round = 0; round < ROUNDS; round++) {
            try (BlockDevice device = open(image, true)) {
                new ModelRun(device, model, ModelRun.Plan.of(100 * size + round, 20)).run();
            }
            Tools.qemuImg(directory, "check", "-f", "qed", image.toString()).expectExit(0);
            Path raw = convertedByQemu();
            try (BlockDevice device =
                    BlockDevice.open(raw.toString(), OpenOptions.readOnly().withFormat("raw"))) {
                ModelRun.verify(device, model, round);
            }
        }
    }

    @ParameterizedTest(name = "clusters {0}, table of {1}, size {2}, backing {3}")
    @CsvSource({
        "4096, 2, 6291456, 0",
        "4096, 16, 5000192, 0",
        "65536, 4, 20971520, 0",
        "1048576, 2, 16777728, 0",
        "8192, 8, 6291456, 3000000",
        "65536, 4, 8388608, 9000000"
    })
    void whatQemuWritesWeRead(int clusterSize, int tableSize, long size, int backing) throws Exception {
        List<String> create = new ArrayList<>(List.of("create", "-q", "-f", "qed"));
        if (backing > 0) {
            QedImages.raw(directory, "base.raw", Pattern.bytes(7_000_000, 0, backing));
            create.addAll(List.of("-b", "base.raw", "-F", "raw"));
        }
        create.addAll(
                List.of("-o", "cluster_size=" + clusterSize + ",table_size=" + tableSize, image.toString(), "" + size));
        Tools.qemuImg(directory, create.toArray(String[]::new)).expectExit(0);
        Random random = new Random(size + clusterSize);
        for (int round = 0; round < ROUNDS; round++) {
            Tools.qemuIo(directory, workload(random, size)).expectExit(0);
            expectSameAsQemuReads();
            try (BlockDevice device = open(image, true)) {
                assertThat(device.check(FixMode.NONE).isClean()).isTrue();
            }
        }
        Tools.qemuImg(directory, "check", "-f", "qed", image.toString()).expectExit(0);
    }

    private String[] workload(Random random, long size) {
        List<String> arguments = new ArrayList<>(List.of("-f", "qed"));
        for (int i = 0; i < 30; i++) {
            int length = random.nextInt(3) == 0 ? 1 + random.nextInt(200_000) : 512 * (1 + random.nextInt(100));
            long offset = (long) (random.nextDouble() * (size - length));
            String command = random.nextInt(4) == 0 ? "write -z " : "write -P " + (1 + random.nextInt(254)) + " ";
            arguments.addAll(List.of("-c", command + offset + " " + length));
        }
        arguments.add(image.toString());
        return arguments.toArray(String[]::new);
    }

    @Test
    void takingTurns() throws Exception {
        long size = 8 * MIB;
        create(QedImages.options(size, 65536, 2));
        DiskModel model = new DiskModel(size, DiskModel.Content.ZEROS, 1);
        for (int round = 0; round < 4; round++) {
            try (BlockDevice device = open(image, true)) {
                new ModelRun(device, model, ModelRun.Plan.of(round, 10)).run();
            }
            long at = round * 1_000_000L + 333;
            DiskModel.Write zeros = model.begin(at, 300_000, true);
            Tools.qemuIo(directory, "-f", "qed", "-c", "write -z " + at + " 300000", image.toString())
                    .expectExit(0);
            model.ended(zeros);
            try (BlockDevice device = open(image, false)) {
                ModelRun.verify(device, model, round);
            }
        }
        Tools.qemuImg(directory, "check", "-f", "qed", image.toString()).expectExit(0);
    }

    /** Options of {@code create} by QEMU's names. */
    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "64M, ''",
        "0, ''",
        "512, ''",
        "1000448, cluster_size=4096",
        "16G, cluster_size=4k",
        "64T, ''",
        "10M, 'cluster_size=1M,table_size=16'",
        "10M, 'cluster_size=2M,table_size=1'",
        "5M, 'table_size=2,backing_file=base.raw,backing_fmt=raw'",
        "5M, 'cluster_size=4096,backing_file=base.qed,backing_fmt=qed'",
        "-1, 'backing_file=base.raw,backing_fmt=raw'",
        "1P, 'cluster_size=64k,table_size=16'"
    })
    void createdImagesAreEqualByteByByte(String size, String options) throws Exception {
        QedImages.raw(directory, "base.raw", Pattern.bytes(1, 0, 3_000_001));
        Tools.qemuImg(directory, "create", "-q", "-f", "qed", "base.qed", "4M").expectExit(0);
        List<String> theirs = new ArrayList<>(List.of("create", "-q", "-f", "qed"));
        List<Object> ours = new ArrayList<>(List.of("create", "-q", "-f", "qed"));
        if (!options.isEmpty()) {
            theirs.addAll(List.of("-o", options));
            ours.addAll(List.of("-o", options.replace("backing_file=", "backing_file=" + directory + "/")));
        }
        theirs.add("theirs.qed");
        ours.add(directory.resolve("ours.qed"));
        if (!size.equals("-1")) {
            theirs.add(size);
            ours.add(size);
        }
        Tools.qemuImg(directory, theirs.toArray(String[]::new)).expectExit(0);
        io.loomblock.iotests.support.Img.run(ours.toArray()).expectExit(0);
        byte[] expected = Files.readAllBytes(directory.resolve("theirs.qed"));
        byte[] found = Files.readAllBytes(directory.resolve("ours.qed"));
        if (options.contains("backing_file")) {
            // The name is another; with the library it can be the same.
            long virtual = new QedReader(expected).imageSize();
            create(libraryOptions(options, virtual));
            found = Files.readAllBytes(image);
        }
        assertThat(found).isEqualTo(expected);
    }

    private static CreateOptions libraryOptions(String options, long size) {
        CreateOptions result = new CreateOptions(size, null, null, Map.of());
        String name = null;
        String format = null;
        for (String option : options.split(",")) {
            String value = option.substring(option.indexOf('=') + 1);
            if (option.startsWith("backing_file")) {
                name = value;
            } else if (option.startsWith("backing_fmt")) {
                format = value;
            } else {
                result = result.with(option.substring(0, option.indexOf('=')), value);
            }
        }
        return result.withBacking(name, format);
    }

    /** qemu-io is killed after a flush and with more written since: we repair and read what was flushed. */
    @Test
    void anImageOfAKilledQemuIsRepairedAndComplete() throws Exception {
        Tools.qemuImg(directory, "create", "-q", "-f", "qed", image.toString(), "8M")
                .expectExit(0);
        Tools.qemuIo(
                        directory,
                        "-f",
                        "qed",
                        "-c",
                        "write -P 1 0 200k",
                        "-c",
                        "write -P 2 1M 100k",
                        "-c",
                        "flush",
                        "-c",
                        "write -P 3 4M 64k",
                        "-c",
                        "sigraise " + SIGKILL,
                        image.toString())
                .expectExit(128 + SIGKILL);
        assertThat(QedReader.of(image).needCheck()).isTrue();
        byte[] before = Files.readAllBytes(image);
        try (BlockDevice device = open(image, false)) {
            assertThat(device.info().dirty()).isTrue();
            Guest.expect(device, 0, 200 << 10, 1);
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
        try (BlockDevice device = open(image, true)) {
            assertThat(device.info().dirty()).isFalse();
            Guest.expect(device, 0, 200 << 10, 1);
            Guest.expect(device, MIB, 100 << 10, 2);
            Guest.expect(device, 4 * MIB, 64 << 10, 3);
            Guest.write(device, 6 * MIB, 64 << 10, 4);
        }
        Tools.qemuImg(directory, "check", "-f", "qed", image.toString()).expectExit(0);
        expectSameAsQemuReads();
    }

    /** What a killed process of ours leaves: the file as it is while the device is open. */
    @Test
    void anImageThatWeLeftOpenIsRepairedByQemu() throws Exception {
        create(QedImages.options(8L * MIB, 65536, 2));
        Path left = directory.resolve("left.qed");
        try (BlockDevice device = open(image, true)) {
            Guest.write(device, 0, 200_000, 1);
            Guest.write(device, 5 * MIB, 5000, 2);
            device.flush();
            Guest.write(device, 7 * MIB, 70_000, 3);
            Files.copy(image, left);
        }
        assertThat(QedReader.of(left).needCheck()).isTrue();
        Tools.Result check = Tools.qemuImg(directory, "check", "-f", "qed", "-r", "all", left.toString());
        // Clusters that no table names yet are leaks, nothing worse.
        assertThat(check.exit()).as(check.text()).isIn(0, 3);
        Tools.qemuIo(directory, "-f", "qed", "-c", "read -P 1 0 200000", "-c", "read -P 2 5M 5000", left.toString())
                .expectExit(0);
        assertThat(QedReader.of(left).corruptions()).isZero();
    }

    @Test
    void whatWeGrowQemuReads() throws Exception {
        create(QedImages.options(3L * MIB + 512, 65536, 2));
        try (BlockDevice device = open(image, true)) {
            Guest.write(device, 3 * MIB, 512, 1);
            device.truncate(9L * MIB, true, PreallocationMode.OFF);
            Guest.write(device, 9L * MIB - 512, 512, 2);
        }
        Tools.qemuImg(directory, "check", "-f", "qed", image.toString()).expectExit(0);
        Tools.qemuIo(
                        directory,
                        "-f",
                        "qed",
                        "-c",
                        "read -P 1 3M 512",
                        "-c",
                        "read -P 0 3146240 1M",
                        "-c",
                        "read -P 2 9436672 512",
                        image.toString())
                .expectExit(0);
        expectSameAsQemuReads();
    }

    @Test
    void aBackingFileThatWeChangeQemuFollows() throws Exception {
        QedImages.raw(directory, "base.raw", Pattern.bytes(3, 0, MIB));
        create(QedImages.options(MIB, 65536, 2));
        try (BlockDevice device = open(image, true)) {
            device.changeBackingFile("base.raw", "raw");
        }
        assertThat(Files.readAllBytes(convertedByQemu())).isEqualTo(Pattern.bytes(3, 0, MIB));
        try (BlockDevice device = open(image, true)) {
            device.changeBackingFile(null, null);
        }
        assertThat(Files.readAllBytes(convertedByQemu())).isEqualTo(new byte[MIB]);
        Tools.qemuImg(directory, "check", "-f", "qed", image.toString()).expectExit(0);
    }
}
