// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import java.time.Duration;

/**
 * How much is done.
 *
 * @param seed what the requests follow from
 * @param threads how many virtual threads make requests of each image
 * @param requestsPerThread how many requests each makes
 * @param workloadTime when they stop at the latest
 * @param windows how many parts of a disk are written to
 * @param windowBytes length of each
 * @param diskBytes size of the disks that are made
 * @param baseBytes size of their base image
 * @param maxCopy images of the user that take more bytes on disk are not copied, and about so much of them is verified
 * @param totalTime after this no further image is begun
 */
record Settings(
        long seed,
        int threads,
        int requestsPerThread,
        Duration workloadTime,
        int windows,
        int windowBytes,
        long diskBytes,
        long baseBytes,
        long maxCopy,
        Duration totalTime) {

    Settings withSeed(long value) {
        return new Settings(
                value,
                threads,
                requestsPerThread,
                workloadTime,
                windows,
                windowBytes,
                diskBytes,
                baseBytes,
                maxCopy,
                totalTime);
    }

    /** What the tool does for everybody to see; with at most 2 GiB of disk, in well below a minute. */
    static Settings normal(long seed) {
        return new Settings(
                seed,
                64,
                100,
                Duration.ofSeconds(5),
                16,
                4 << 20,
                (128 << 20) + 3 * 512,
                (96 << 20) + 512,
                512 << 20,
                Duration.ofSeconds(35));
    }
}
