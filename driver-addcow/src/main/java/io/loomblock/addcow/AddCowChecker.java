// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.FixMode;
import io.loomblock.driver.DebugEvent;

/**
 * Checks that bitmap and data file fit together, and makes them fit.
 *
 * <p>Bits behind the last cluster count as leaks, each of them, and so do tables that the disk does not need: they refer to nothing. A crash
 * while the disk grows or shrinks may leave some; so does a data file that was cut or emptied by other hands, of which there is no other
 * trace, because the size of the disk is its length. A bitmap that ends too early is a corruption: it was cut, or the data file grew by other
 * hands. A repair clears the ones and appends clear bits. What the header says was checked when the image was opened. spec: addcow.md
 * section 11, "check".
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
     * Looks, and repairs what {@code fix} allows.
     *
     * @throws BlockException of a repair that failed; what cannot be read is counted instead
     */
    CheckResult run(FixMode fix) throws BlockException {
        long clusters = image.clusters();
        long allocated = clusters;
        long behind;
        int tooShort = 0;
        try {
            behind = bits.spareTables(image.size());
            if (!image.allAllocated()) {
                long end = bits.end();
                tooShort = bits.file().length() < image.layout().fileLength(image.size()) ? 1 : 0;
                allocated = bits.count(0, Math.min(clusters, end));
                behind += bits.count(Math.min(clusters, end), end);
            }
        } catch (BlockException e) {
            return result(0, 0, 1, 0, FixMode.NONE);
        }
        if (behind > 0 && fix.leaks()) {
            bits.clearBehind(image.size(), DebugEvent.CHECK_UPDATE);
        }
        if (tooShort > 0 && fix.errors()) {
            bits.extendFor(image.size());
        }
        return result(tooShort, behind, 0, allocated, fix);
    }

    private CheckResult result(long corruptions, long leaks, long errors, long allocated, FixMode fix) {
        return new CheckResult(
                fix.errors() ? 0 : corruptions,
                fix.leaks() ? 0 : leaks,
                errors,
                fix.errors() ? corruptions : 0,
                fix.leaks() ? leaks : 0,
                image.layout().fileLength(image.size()),
                image.clusters(),
                allocated,
                0,
                0);
    }
}
