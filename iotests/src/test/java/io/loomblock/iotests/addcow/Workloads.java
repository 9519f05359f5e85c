// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.iotests.support.AddCowImages;
import io.loomblock.iotests.support.EventFaults;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Step;
import io.loomblock.iotests.support.Timeline;
import io.loomblock.testkit.FakeTimers;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestFiles;
import java.util.Arrays;
import java.util.List;

/**
 * What is done to a small add-cow image by the tests that have it fail or crash at every point.
 *
 * <p>The backing file ends behind the disk, but before what the disk grows to; the data file is full of stale bytes. Where the size changes,
 * the bitmap has bits behind the last cluster, as a crash leaves them.
 */
enum Workloads implements EventFaults.Workload {
    /** A little of everything that a guest does, a repair, and other sizes. */
    REQUESTS(1, Workloads.STALE_BITS + 1) {
        @Override
        public List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
            return List.of(
                    () -> timeline.write(device, 1000, 3000),
                    () -> timeline.write(device, 20_480, 8192),
                    () -> timeline.flush(device),
                    () -> timeline.write(device, 21_000, 5000),
                    () -> timeline.zero(device, 12_288, 5000),
                    () -> timeline.flush(device),
                    () -> Guest.read(device, 0, SIZE),
                    () -> timeline.zero(device, 20_480, 4096),
                    () -> timeline.discard(device, 20_480, 8192),
                    () -> timeline.write(device, 36_864, 600),
                    () -> device.check(FixMode.ALL),
                    () -> timeline.write(device, 0, 10_000),
                    () -> timeline.write(device, SIZE - 100, 100),
                    () -> device.truncate(GROWN, true, PreallocationMode.OFF),
                    () -> timeline.write(device, SIZE - 700, 1400),
                    () -> timeline.flush(device),
                    () -> device.truncate(TWO_TABLES, true, PreallocationMode.OFF),
                    () -> timeline.write(device, 47_500, 700),
                    () -> timeline.shrink(device, SHRUNK),
                    () -> timeline.write(device, SHRUNK - 400, 400),
                    () -> timeline.flush(device));
        }
    },

    /** The image is emptied, with bits that are not written yet, and used again. */
    EMPTIED(0, 0) {
        @Override
        public List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
            return List.of(
                    () -> timeline.write(device, 5000, 9000),
                    () -> timeline.flush(device),
                    () -> timeline.write(device, 20_480, 700),
                    () -> timeline.empty(device),
                    () -> timeline.write(device, 8000, 1000),
                    () -> timeline.flush(device),
                    () -> timeline.discard(device, 8192, 4096),
                    () -> timeline.empty(device),
                    () -> timeline.flush(device),
                    () -> timeline.write(device, 9000, 500));
        }
    },

    /** The header names the backing file otherwise, twice. */
    REBASED(0, 0) {
        @Override
        public List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
            return List.of(
                    () -> timeline.write(device, 5000, 9000),
                    () -> device.changeBackingFile(AddCowImages.OTHER_BASE, "raw"),
                    () -> timeline.write(device, 20_480, 700),
                    () -> timeline.flush(device),
                    () -> device.changeBackingFile(AddCowImages.BASE, "raw"),
                    () -> timeline.write(device, 8000, 1000),
                    () -> timeline.discard(device, 4096, 8192),
                    () -> timeline.flush(device));
        }
    },

    /** The image takes everything into its data file and parts with its backing file. */
    PROMOTED(0, Workloads.STALE_BITS) {
        @Override
        public List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
            return List.of(
                    () -> timeline.write(device, 5000, 9000),
                    () -> {
                        timeline.write(device, 0, SIZE);
                        device.changeBackingFile(null, null);
                    },
                    () -> timeline.write(device, 8000, 1000),
                    () -> timeline.flush(device),
                    () -> timeline.zero(device, 20_480, 4096),
                    () -> timeline.discard(device, 4096, 8192),
                    () -> device.check(FixMode.ALL),
                    () -> device.truncate(GROWN, true, PreallocationMode.OFF),
                    () -> timeline.write(device, SIZE - 700, 1400),
                    () -> timeline.flush(device));
        }
    },

    /** The image loses its backing file without having everything. */
    ORPHANED(0, 0) {
        @Override
        public List<Step> steps(BlockDevice device, Timeline timeline, FakeTimers timers) {
            return List.of(
                    () -> {
                        timeline.write(device, 0, 12_288);
                        timeline.loseBacking(device, 12_288);
                    },
                    () -> timeline.write(device, 8000, 4000),
                    () -> timeline.flush(device),
                    () -> timeline.write(device, 0, 700));
        }
    };

    static final int CLUSTER = 4096;
    /** Bits that are behind the last cluster at the start. */
    private static final int STALE_BITS = 6;

    static final int SIZE = 45_568;
    static final int GROWN = 48 << 10;
    private static final int SHRUNK = 40_448;
    /** A size that needs a second table of bits. */
    private static final long TWO_TABLES = (128L << 20) + CLUSTER;

    static final byte[] BASE = Pattern.bytes(9_000_000, 0, 47_000);
    /** What the disk reads as before anything is written. */
    static final byte[] SHOWN = Arrays.copyOf(BASE, SIZE);

    static final OpenOptions OPTIONS = OpenOptions.readWrite().withMetadataBudget(0);

    private final int mostLeaks;
    private final int mostBehind;

    Workloads(int mostLeaks, int mostBehind) {
        this.mostLeaks = mostLeaks;
        this.mostBehind = mostBehind;
    }

    /** How many tables that the disk has no use for a change of the size leaves that is interrupted. */
    int mostLeaks() {
        return mostLeaks;
    }

    /** How many bits behind the end there are at the start or after that; none where the size does not change. */
    int mostBehind() {
        return mostBehind;
    }

    /** The image before any of it. */
    TestFiles create() throws BlockException {
        TestFiles files = AddCowImages.create(SIZE, CLUSTER, "raw", BASE);
        if (mostBehind > 0) {
            SparseBytes image = files.memory(AddCowImages.NAME).snapshot();
            // Clusters from 12 on are not there.
            image.write(CLUSTER + 1, new byte[] {(byte) 0xf0}, 0, 1);
            image.write(CLUSTER + 100, new byte[] {(byte) 0x81}, 0, 1);
            files.put(AddCowImages.NAME, image);
        }
        files.put(AddCowImages.DATA, Pattern.bytes(8_000_000, 0, SIZE));
        return files;
    }

    /** A data file that makes zeros of what is discarded, as holes are. */
    static BlockDriver punching(BlockDriver data) {
        return new ForwardingDriver(data) {
            @Override
            public void coDiscard(long offset, long bytes) throws BlockException {
                below.coWriteZeroes(offset, bytes, 0);
            }
        };
    }
}
