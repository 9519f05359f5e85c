// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

/**
 * How the base image is fetched ahead of time. spec: fvd.md section 12.
 *
 * @param startDelay seconds from opening to the first fetch; 0 or less for never
 * @param slots buffers between reader and writer; less than 1 acts as 1
 * @param bytesPerUnit bytes of a fetch
 * @param readMeasureTime milliseconds of reading that are measured as one
 * @param writeMeasureTime the same of storing
 * @param alpha weight of the old average in percent
 * @param minRead least throughput of reading in KB/s, KB being 1024 bytes
 * @param minWrite least throughput of storing
 * @param maxRead recorded only
 * @param maxWrite recorded only
 * @param throttleTime longest pause in milliseconds; 0 or less for no pauses
 */
record PrefetchSettings(
        long startDelay,
        long slots,
        long bytesPerUnit,
        long readMeasureTime,
        long writeMeasureTime,
        int alpha,
        long minRead,
        long minWrite,
        long maxRead,
        long maxWrite,
        long throttleTime) {
    static final int DEFAULT_ALPHA = 80;

    /** Those of an image without a base. */
    static final PrefetchSettings NONE = new PrefetchSettings(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** The defaults of an image with a base. */
    static PrefetchSettings defaults(long startDelay, long bytesPerUnit) {
        return new PrefetchSettings(
                startDelay, 2, bytesPerUnit, 100, 100, DEFAULT_ALPHA, 5120, 5120, 1_000_000_000, 1_000_000_000, 30_000);
    }
}
