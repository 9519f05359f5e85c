// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.ModelRun;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read of a backing file stays in the image, guests that write at the same time lose nothing, and nobody reads anything else. */
@Tag("jars")
@Timeout(120)
class CopyOnReadTest {
    private static final int MIB = 1 << 20;
    private static final int REQUESTS = Boolean.getBoolean("loomblock.soak") ? 3000 : 60;
    private static final long BASE_ID = 7_000_000;

    @TempDir
    Path directory;

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private byte[] createOver(int baseLength, long size, int clusterSize) throws Exception {
        byte[] base = Pattern.bytes(BASE_ID, 0, baseLength);
        Files.write(directory.resolve("base.raw"), base);
        CreateOptions create =
                CreateOptions.ofSize(size).with("cluster_size", clusterSize).withBacking("base.raw", "raw");
        BlockDevice.create("qed", path("top.qed"), create, OpenOptions.readWrite());
        return base;
    }

    private OpenOptions flag() {
        return OpenOptions.readWrite().withFormat("qed").withCopyOnRead(true);
    }

    private BlockDevice open(boolean filter) throws BlockException {
        if (!filter) {
            return BlockDevice.open(path("top.qed"), flag());
        }
        NodeOptions options = NodeOptions.NONE
                .with("driver", "copy-on-read")
                .with("file.driver", "qed")
                .with("file.file.filename", path("top.qed"));
        return BlockDevice.open(OpenOptions.readWrite().withNodeOptions(options));
    }

    private BlockDevice alone() throws BlockException {
        return BlockDevice.open(
                path("top.qed"), OpenOptions.readOnly().withFormat("qed").withNoBacking(true));
    }

    @ParameterizedTest(name = "clusters {0}, {1} bytes of {2} in the base, filter {3}, seed {4}")
    @CsvSource({
        "4096, 5242880, 6291456, false, 1",
        "4096, 6291456, 6291456, true, 2",
        "65536, 3158066, 6291968, false, 3",
        "65536, 8388608, 6291968, true, 4",
        "1048576, 5242880, 6291456, false, 5"
    })
    void aModelSeesNoDifferenceAndInTheEndTheImageHoldsAll(
            int clusterSize, int baseLength, long size, boolean filter, long seed) throws Exception {
        byte[] base = createOver(baseLength, size, clusterSize);
        byte[] visible = Arrays.copyOf(base, (int) Math.min(baseLength, size));
        DiskModel model = new DiskModel(size, DiskModel.Content.of(visible), 1);
        try (BlockDevice device = open(filter)) {
            new ModelRun(device, model, ModelRun.Plan.of(seed, REQUESTS)).run();
            ModelRun.verify(device, model, seed);
        }
        try (BlockDevice device = alone()) {
            // The backing file is not there any more, and is not missed.
            ModelRun.verify(device, model, seed);
            CheckResult result = device.check(FixMode.NONE);
            assertThat(result.isClean()).as("%s", result).isTrue();
        }
    }

    @Test
    void onlyClustersThatWereReadAreCopied() throws Exception {
        createOver(MIB, MIB, 65536);
        try (BlockDevice device = open(false)) {
            device.read(3 * 65536 + 100, java.nio.ByteBuffer.allocate(65536));
        }
        try (BlockDevice device = alone()) {
            assertThat(device.blockStatus(0, MIB).length()).isEqualTo(3 * 65536);
            assertThat(device.blockStatus(0, MIB).isAllocated()).isFalse();
            assertThat(device.blockStatus(3 * 65536, MIB).isData()).isTrue();
            assertThat(device.blockStatus(3 * 65536, MIB).length()).isEqualTo(2 * 65536);
            assertThat(device.blockStatus(5 * 65536, MIB).isAllocated()).isFalse();
        }
    }

    @Test
    void zerosOfTheBaseBecomeZeroClusters() throws Exception {
        createOver(0, MIB, 65536);
        Files.write(directory.resolve("base.raw"), new byte[MIB]);
        try (BlockDevice device = open(false)) {
            Guest.expect(device, 0, MIB, 0);
        }
        try (BlockDevice device = alone()) {
            assertThat(device.blockStatus(0, MIB).isZero()).isTrue();
            assertThat(device.blockStatus(0, MIB).isAllocated()).isTrue();
        }
    }

    @Test
    void aReadFailsWhoseCopyCannotBeWritten() throws Exception {
        createOver(MIB, MIB, 65536);
        MemoryDriver file = TestImages.create(
                "qed", path("other.qed"), CreateOptions.ofSize(MIB).withBacking("base.raw", "raw"));
        FaultDriver faulty = new FaultDriver(file);
        try (BlockDevice device = TestImages.open(path("other.qed"), faulty, flag())) {
            faulty.arm(FaultDriver.Fault.once(Request.of(Kind.WRITE)).with(Errno.ENOSPC));
            assertThatThrownBy(() -> Guest.read(device, 0, 512))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            assertThat(Guest.read(device, 0, 512)).isEqualTo(Pattern.bytes(BASE_ID, 0, 512));
        }
    }

    @Test
    void itNeedsAnImageThatCanBeWritten() throws Exception {
        createOver(MIB, MIB, 65536);
        assertThatThrownBy(() -> BlockDevice.open(path("top.qed"), flag().withWritable(false)))
                .hasMessageContaining("Can't use copy-on-read on read-only device");
        NodeOptions options = NodeOptions.NONE
                .with("driver", "copy-on-read")
                .with("file.driver", "qed")
                .with("file.file.filename", path("top.qed"));
        assertThatThrownBy(() -> BlockDevice.open(OpenOptions.readOnly().withNodeOptions(options)))
                .hasMessageContaining("Block node is read-only");
    }

    @Test
    void anImageWithoutBackingFileIsReadAsEver() throws Exception {
        Files.write(directory.resolve("disk.raw"), Pattern.bytes(BASE_ID, 0, MIB));
        try (BlockDevice device = BlockDevice.open(path("disk.raw"), flag().withFormat("raw"))) {
            assertThat(Guest.bytes(device)).isEqualTo(Pattern.bytes(BASE_ID, 0, MIB));
            assertThat(device.node().highestWritten()).isZero();
        }
    }

    @Test
    void aReadOnlyImageIsReadWithoutCopies() throws Exception {
        byte[] base = createOver(MIB, MIB, 65536);
        try (BlockDevice device = open(false)) {
            device.reopen(false);
            assertThat(Guest.bytes(device)).isEqualTo(base);
            device.reopen(true);
            assertThat(Guest.read(device, 0, 512)).isEqualTo(Arrays.copyOf(base, 512));
        }
        try (BlockDevice device = alone()) {
            assertThat(device.blockStatus(0, MIB).isAllocated()).isTrue();
            assertThat(device.blockStatus(0, MIB).length()).isEqualTo(65536);
        }
    }

    @Test
    void afterAFlushThatFailedReadsGoOn() throws Exception {
        byte[] base = createOver(MIB, MIB, 65536);
        MemoryDriver file = TestImages.create(
                "qed", path("other.qed"), CreateOptions.ofSize(MIB).withBacking("base.raw", "raw"));
        FaultDriver faulty = new FaultDriver(file);
        BlockDevice device = TestImages.open(path("other.qed"), faulty, flag());
        Guest.write(device, 0, 65536, 1);
        faulty.arm(FaultDriver.Fault.once(Request.of(Kind.FLUSH)));
        assertThatThrownBy(device::flush).isInstanceOf(BlockException.class);
        assertThat(Guest.read(device, 65536, 512)).isEqualTo(Arrays.copyOfRange(base, 65536, 65536 + 512));
        assertThatThrownBy(device::close).isInstanceOf(BlockException.class);
    }
}
