// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BackingReference;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.SparseBytes;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The name of the backing file changes, in the header and nowhere else. spec: qed.md section 9, E12. */
@Tag("jars")
class BackingChangeTest {
    private static final int CLUSTER = 4096;
    private static final byte[] BASE = Pattern.bytes(99, 0, 1 << 20);

    private static TestDisk overlay() throws Exception {
        return TestDisk.overlay(CLUSTER, 2, 1 << 20, BASE);
    }

    private static @Nullable BackingReference inFile(SparseBytes file) throws Exception {
        try (TestDisk disk = TestDisk.open(file, BASE)) {
            return disk.driver().backingReference();
        }
    }

    private static void is(TestDisk disk, @Nullable String name, @Nullable String format) throws Exception {
        BackingReference expected = name == null ? null : new BackingReference(name, format);
        assertThat(disk.driver().backingReference()).isEqualTo(expected);
        assertThat(inFile(disk.memory.snapshot())).isEqualTo(expected);
    }

    @Test
    void aNameIsSetReplacedAndRemoved() throws Exception {
        try (TestDisk disk = TestDisk.create(CLUSTER, 2, 1 << 20)) {
            disk.device.changeBackingFile("a.raw", "raw");
            is(disk, "a.raw", "raw");
            assertThat(disk.fileLong(16)).isEqualTo(5);
            disk.device.changeBackingFile("../some/bäse.qed", "qed");
            is(disk, "../some/bäse.qed", null);
            assertThat(disk.fileLong(16)).isEqualTo(1);
            disk.device.changeBackingFile("x", null);
            is(disk, "x", null);
            disk.device.changeBackingFile(null, null);
            is(disk, null, null);
            assertThat(disk.fileLong(16)).isZero();
            assertThat(disk.fileLong(56)).isEqualTo(64);
            disk.device.changeBackingFile("y", "raw");
            disk.device.changeBackingFile("", null);
            is(disk, null, null);
        }
    }

    @Test
    void theGuestsDiskAndTheOtherFieldsAreNotTouched() throws Exception {
        try (TestDisk disk = overlay()) {
            disk.write(1, 0, 100);
            disk.device.changeBackingFile("other", null);
            disk.assertHolds(1, 0, 100);
            disk.assertHolds(99, CLUSTER, CLUSTER);
            assertThat(disk.fileLong(48)).isEqualTo(1 << 20);
            assertThat(disk.fileLong(40)).isEqualTo(CLUSTER);
        }
    }

    @Test
    void namesThatCannotBeRecordedAreRefused() throws Exception {
        try (TestDisk disk = overlay()) {
            int start = disk.log.size();
            TestDisk.failure(Errno.ENOSPC, () -> disk.device.changeBackingFile("x".repeat(1024), null));
            TestDisk.failure(Errno.EINVAL, () -> disk.device.changeBackingFile("a\0b", null));
            TestDisk.failure(Errno.EINVAL, () -> disk.device.changeBackingFile(null, "raw"));
            assertThat(disk.changes(start)).isEmpty();
            is(disk, "base.raw", "raw");
        }
    }

    @Test
    void anImageWithUnknownCompatFeaturesKeepsItsNameButMayLoseIt() throws Exception {
        ImageBuilder image =
                ImageBuilder.image(CLUSTER, 2, 1 << 20).backing("base", true).putLong(24, 8);
        try (TestDisk disk = TestDisk.open(image.build(), BASE)) {
            TestDisk.failure(Errno.ENOTSUP, () -> disk.device.changeBackingFile("other", null));
            is(disk, "base", "raw");
            disk.device.changeBackingFile(null, null);
            is(disk, null, null);
            assertThat(disk.fileLong(24)).isEqualTo(8);
        }
    }

    @Test
    void aShortNameAndItsHeaderAreOneSector() throws Exception {
        try (TestDisk disk = overlay()) {
            int start = disk.log.size();
            disk.device.changeBackingFile("z".repeat(448), null);
            assertThat(disk.changes(start)).containsExactly("WRITE 512@0", "FLUSH");
        }
    }

    @Test
    void aLongNameIsDurableBeforeTheHeaderNamesItAndLeavesTheOldOneAlone() throws Exception {
        try (TestDisk disk = overlay()) {
            for (String name :
                    new String[] {"a".repeat(1000), "b".repeat(1023), "c".repeat(449), "d".repeat(1023), "short"}) {
                int start = disk.log.size();
                disk.device.changeBackingFile(name, "raw");
                is(disk, name, "raw");
                if (name.length() > 448) {
                    assertThat(disk.changes(start)).hasSize(4).element(1).isEqualTo("FLUSH");
                    assertThat(disk.changes(start).get(2)).isEqualTo("WRITE 512@0");
                }
            }
        }
    }

    @Test
    void whereItFailsTheOldOrTheNewNameIsRecordedWhole() throws Exception {
        for (String name : new String[] {"new", "n".repeat(1023)}) {
            for (Effect effect : Effect.values()) {
                for (int number = 0; number < 4; number++) {
                    TestDisk disk = overlay();
                    disk.device.changeBackingFile("old".repeat(300), "raw");
                    disk.faults.arm(
                            Fault.once(Request.changesAndFlushes()).at(number).with(effect));
                    boolean failed = false;
                    try {
                        disk.device.changeBackingFile(name, null);
                    } catch (BlockException e) {
                        failed = true;
                    }
                    disk.faults.disarm();
                    assertThat(failed && disk.faults.failures() == 0).isFalse();
                    BackingReference reference = disk.driver().backingReference();
                    assertThat(reference.name()).isEqualTo(failed ? "old".repeat(300) : name);
                    assertThat(inFile(disk.memory.snapshot()).name()).isIn("old".repeat(300), name);
                    disk.abandon();
                }
            }
        }
    }
}
