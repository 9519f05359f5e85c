// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.SparseBytes;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** After another process has changed the image, nothing of the old state is written, and the new one is read. spec: qed.md section 11, E11. */
@Tag("jars")
class InvalidateCacheTest {
    private static final int CLUSTER = 4096;
    private static final long SPAN = 4 << 20;

    private static ImageBuilder image() {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 2, SPAN);
        image.data(0, 1);
        return image;
    }

    /** What the other process has made of it: larger, other tables, marked dirty. */
    private static SparseBytes changed() {
        ImageBuilder image = ImageBuilder.image(CLUSTER, 4, 64 * SPAN)
                .features(QedHeader.NEED_CHECK)
                .putLong(32, 3);
        image.take(7);
        image.data(0, 2);
        image.data(60 * SPAN, 3);
        return image.build();
    }

    @Test
    void anInactiveImageComesAliveWithWhatIsThereThen() throws Exception {
        try (TestDisk disk =
                TestDisk.open(image().build(), OpenOptions.readWrite().withInactive(true))) {
            assertThat(disk.read(0, CLUSTER)).containsOnly(1);
            disk.memory.replace(changed());
            disk.device.invalidateCache(true);
            assertThat(disk.device.length()).isEqualTo(64 * SPAN);
            assertThat(disk.read(0, CLUSTER)).containsOnly(2);
            assertThat(disk.read(60 * SPAN, CLUSTER)).containsOnly(3);
            // Now it is ours: autoclear bits go, and the check is made, on what was read anew.
            assertThat(disk.fileLong(32)).isZero();
            assertThat(disk.needCheckInFile()).isFalse();
            assertThat(disk.changes(0)).containsExactly("WRITE 512@0", "FLUSH", "WRITE 512@0", "FLUSH");
            disk.write(1, 50 * SPAN, 100);
            disk.assertHolds(1, 50 * SPAN, 100);
        }
    }

    @Test
    void whatWasNotFlushedIsForgottenAndNothingIsWritten() throws Exception {
        try (TestDisk disk = TestDisk.open(image().build())) {
            disk.write(1, CLUSTER, CLUSTER);
            disk.device.flush();
            disk.write(2, 3 * SPAN / 4, CLUSTER);
            disk.write(3, 100 * CLUSTER, CLUSTER);
            SparseBytes other = changed();
            byte[] expected = other.toByteArray();
            disk.memory.replace(other);
            int start = disk.log.size();
            disk.device.invalidateCache(false);
            disk.timers.advance(Duration.ofMinutes(1));
            assertThat(disk.changes(start)).isEmpty();
            assertThat(disk.memory.snapshot().toByteArray()).isEqualTo(expected);
            assertThat(disk.read(0, CLUSTER)).containsOnly(2);
            disk.assertHolds(0, CLUSTER, CLUSTER);
            TestDisk.failure(Errno.EPERM, () -> disk.write(4, 0, 512));
            disk.device.close();
            assertThat(disk.memory.snapshot().toByteArray()).isEqualTo(expected);
        }
    }

    @Test
    void readOnlyNothingIsWrittenWhoeverOwnsIt() throws Exception {
        try (TestDisk disk = TestDisk.open(image().build(), OpenOptions.readOnly())) {
            disk.memory.replace(changed());
            disk.device.invalidateCache(true);
            assertThat(disk.read(0, CLUSTER)).containsOnly(2);
            assertThat(disk.device.info().dirty()).isTrue();
            assertThat(disk.changes(0)).isEmpty();
        }
    }

    @Test
    void anImageThatCannotBeReadAnewIsUnusableUntilItCan() throws Exception {
        TestDisk disk = TestDisk.open(image().build());
        disk.write(1, CLUSTER, CLUSTER);
        SparseBytes good = disk.memory.snapshot();
        disk.memory.replace(SparseBytes.of(new byte[CLUSTER]));
        assertThat(TestDisk.failure(Errno.EINVAL, () -> disk.device.invalidateCache(true))
                        .reason())
                .startsWith("Could not reopen qed layer");
        assertThat(TestDisk.failure(Errno.EIO, () -> disk.read(0, 512)).reason())
                .isEqualTo("Could not reopen qed layer");
        TestDisk.failure(Errno.EIO, () -> disk.write(2, 0, 512));
        disk.timers.advance(Duration.ofMinutes(1));
        disk.memory.replace(good);
        disk.device.invalidateCache(true);
        assertThat(disk.read(0, CLUSTER)).containsOnly(1);
        disk.close();
    }

    @Test
    void anotherNameOfTheBackingFileIsSeen() throws Exception {
        try (TestDisk disk = TestDisk.open(image().backing("one", true).build(), new byte[512])) {
            disk.memory.replace(image().backing("two", false).build());
            disk.device.invalidateCache(true);
            assertThat(disk.driver().backingReference().name()).isEqualTo("two");
        }
    }
}
