// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.FixMode;

/**
 * Checks that bitmap and data file fit together, and makes them fit.
 *
 * <p>Wrong are bits behind the last cluster (each counts: the data file was cut, or the disk shrank, and a later growth would uncover them)
 * and a bitmap that ends too early (it was cut, or the data file grew by other hands). A repair clears the ones and appends clear bits. What
 * the header says was checked when the image was opened. spec: addcow.md section 11, "check".
 */
final class AddCowChecker {
    private final AddCowImage image;
    private final BitsInFile bits;

    /** A check of an image whose bits are all in the file. */
    AddCowChecker(AddCowImage image, BitsInFile bits) {
        this.image = image;
        this.bits = bits;
    }

    /**
     * Looks, and repairs where {@code fix} allows that.
     *
     * @throws BlockException of a repair that failed; what cannot be read is counted instead
     */
    CheckResult run(FixMode fix) throws BlockException {
        long clusters = image.clusters();
        if (image.allAllocated()) {
            return result(0, 0, 0, clusters);
        }
        long allocated;
        long behind;
        boolean tooShort;
        try {
            long end = bits.end();
            tooShort = bits.file().length() < image.layout().fileLength(image.size());
            allocated = bits.count(0, Math.min(clusters, end));
            behind = bits.count(Math.min(clusters, end), end);
        } catch (BlockException e) {
            return result(0, 1, 0, 0);
        }
        long wrong = behind + (tooShort ? 1 : 0);
        if (wrong == 0 || !fix.errors()) {
            return result(wrong, 0, 0, allocated);
        }
        bits.clearBehind(image.size());
        bits.extendFor(image.size());
        return result(0, 0, wrong, allocated);
    }

    private CheckResult result(long corruptions, long errors, long fixed, long allocated) {
        long end = image.layout().fileLength(image.size());
        return new CheckResult(corruptions, 0, errors, fixed, 0, end, image.clusters(), allocated, 0, 0);
    }
}
