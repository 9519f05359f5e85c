// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/**
 * What a check found and did.
 *
 * @param corruptions wrong references that remain
 * @param leaks clusters that nothing refers to and that remain
 * @param checkErrors parts that could not be checked
 * @param corruptionsFixed wrong references that were repaired
 * @param leaksFixed leaked clusters that were reclaimed
 * @param imageEndOffset where the last byte in use ends in the file, or 0 if the format does not say
 * @param totalClusters clusters of the guest's disk, or 0 if the format does not say
 * @param allocatedClusters clusters that hold data
 * @param compressedClusters clusters that hold compressed data
 * @param fragmentedClusters data clusters that do not follow the one before them in the file
 */
public record CheckResult(
        long corruptions,
        long leaks,
        long checkErrors,
        long corruptionsFixed,
        long leaksFixed,
        long imageEndOffset,
        long totalClusters,
        long allocatedClusters,
        long compressedClusters,
        long fragmentedClusters) {

    /** Whether nothing is wrong any more: no corruption, no leak, nothing left unchecked. */
    public boolean isClean() {
        return corruptions == 0 && leaks == 0 && checkErrors == 0;
    }
}
