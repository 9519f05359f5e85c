// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Closer;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.TestImages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** QED images of the tests' own making, most of them in memory. */
public final class QedImages {
    /** When the need-check timer goes off, after the last allocation. */
    public static final Duration NEED_CHECK_DELAY = Duration.ofSeconds(5);

    private QedImages() {}

    /** Options for a new image. */
    public static CreateOptions options(long size, int clusterSize, int tableSize) {
        return CreateOptions.ofSize(size).with("cluster_size", clusterSize).with("table_size", tableSize);
    }

    /** A new image in memory, without a backing file. */
    public static MemoryDriver create(long size, int clusterSize, int tableSize) throws BlockException {
        return TestImages.create("qed", options(size, clusterSize, tableSize));
    }

    /**
     * A new image in memory over a raw file on disk.
     *
     * @param name where the image believes to be: beside its backing file
     */
    public static MemoryDriver createOver(Path name, String backing, long size, int clusterSize, int tableSize)
            throws BlockException {
        return TestImages.create(
                "qed", name.toString(), options(size, clusterSize, tableSize).withBacking(backing, "raw"));
    }

    /** Writable, the clock standing still. */
    public static OpenOptions readWrite() {
        return readWrite(new FakeTimers());
    }

    /** Writable, with this clock. */
    public static OpenOptions readWrite(FakeTimers timers) {
        return OpenOptions.readWrite().withFormat("qed").withTimers(timers);
    }

    /** Read-only, the clock standing still. */
    public static OpenOptions readOnly() {
        return OpenOptions.readOnly().withFormat("qed").withTimers(new FakeTimers());
    }

    /** Opens an image in memory that has no backing file, or one by an absolute name. */
    public static BlockDevice open(BlockDriver file, OpenOptions options) throws BlockException {
        return TestImages.open("test.qed", file, options);
    }

    /** A raw file with these bytes. */
    public static Path raw(Path directory, String name, byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content);
    }

    /** Fails unless the driver's own check finds neither corruption nor anything that it could not check; leaks may be. */
    public static CheckResult expectNoCorruption(BlockDevice device) throws BlockException {
        CheckResult result = device.check(FixMode.NONE);
        assertThat(result.corruptions()).as("corruptions").isZero();
        assertThat(result.checkErrors()).as("check errors").isZero();
        return result;
    }

    /** Fails unless the independent reader finds a sound image that was closed in order. */
    public static QedReader expectSound(MemoryDriver file) {
        QedReader reader = new QedReader(file.snapshot().toByteArray());
        assertThat(reader.corruptions()).as("corruptions").isZero();
        assertThat(reader.needCheck()).as("marked for a check").isFalse();
        return reader;
    }

    /** Closes an image of which the test has broken something: whether closing says so too does not matter. */
    public static void closeThoughItFails(BlockDevice device) {
        new Closer().run(device::close);
    }
}
