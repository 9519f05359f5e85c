// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import org.jspecify.annotations.Nullable;

/** The files of an add-cow image of a test's own making, in memory, before it is opened: add-cow file, data file, backing file. */
public final class AddCowImages {
    /** Name of the add-cow file. */
    public static final String NAME = "test.add-cow";
    /** Name of the data file. */
    public static final String DATA = "data.img";
    /** Name of the raw backing file. */
    public static final String BASE = "base.raw";

    /** Another name of it. */
    public static final String OTHER_BASE = "same.raw";

    private AddCowImages() {}

    /** Options for a new image that has these names. */
    public static CreateOptions options(long size, int clusterSize, String dataFormat, boolean backing) {
        CreateOptions create = CreateOptions.ofSize(size)
                .with("image_file", DATA)
                .with("image_fmt", dataFormat)
                .with("cluster_size", clusterSize);
        return backing ? create.withBacking(BASE, "raw") : create;
    }

    /** The files of a new image. */
    public static TestFiles create(long size, int clusterSize, String dataFormat, byte @Nullable [] base)
            throws BlockException {
        TestFiles files = new TestFiles();
        putBase(files, base);
        if (dataFormat.equals("raw")) {
            SparseBytes data = new SparseBytes();
            data.truncate(size);
            files.put(DATA, data);
        } else {
            files.create(dataFormat, DATA, CreateOptions.ofSize(size));
        }
        files.create("add-cow", NAME, options(size, clusterSize, dataFormat, base != null));
        return files;
    }

    /** The files of an image as they were at some time; those that are given belong to the result. */
    public static TestFiles of(SparseBytes image, SparseBytes data, byte @Nullable [] base) {
        TestFiles files = new TestFiles();
        files.put(NAME, new MemoryDriver(image));
        files.put(DATA, new MemoryDriver(data));
        putBase(files, base);
        return files;
    }

    private static void putBase(TestFiles files, byte @Nullable [] base) {
        if (base != null) {
            files.put(BASE, base);
            files.put(OTHER_BASE, base);
        }
    }

    /** Opens the image. */
    public static BlockDevice open(TestFiles files, OpenOptions options) throws BlockException {
        return files.open(NAME, "add-cow", options);
    }

    /**
     * Fails unless the check finds nothing that it could not check and no more than this.
     *
     * @param mostLeaks tables that the disk has no use for
     * @param mostBehind bits behind the end, which only an interrupted change of the size leaves; the other corruption, a bitmap that is too
     *     short, keeps an image from being opened but for a check
     */
    public static CheckResult expectSound(BlockDevice device, long mostLeaks, long mostBehind) throws BlockException {
        CheckResult result = device.check(FixMode.NONE);
        assertThat(result.checkErrors()).as("check errors").isZero();
        assertThat(result.leaks()).as("leaks").isLessThanOrEqualTo(mostLeaks);
        assertThat(result.corruptions()).as("bits behind the end").isLessThanOrEqualTo(mostBehind);
        return result;
    }
}
