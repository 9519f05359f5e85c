// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.FixMode;
import io.loomblock.driver.DebugEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks that bitmap and data file fit together, and makes them fit.
 *
 * <p>Each bit behind the last cluster counts as a corruption: it says that the data file has something there, and the size of the disk is the
 * length of that file. Somebody has cut it or emptied it, which leaves no other trace; or a change of the size was interrupted, and nothing
 * is lost. That cannot be told apart, so a repair of leaks keeps these bits: once the data file is back, they are needed, or the backing file
 * would show in its place. A bitmap that ends too early is a corruption, too: it was cut, or the data file grew by other hands. Tables that the disk
 * does not need, and that say nothing, are leaks. A repair of everything clears the ones, appends clear bits, and cuts off the tables. What
 * the header says was checked when the image was opened. spec: addcow.md section 11, "check".
 */
final class AddCowChecker {
    private static final Logger LOG = LoggerFactory.getLogger(AddCowChecker.class);

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
        long spare;
        long behind = 0;
        int tooShort = 0;
        try {
            spare = bits.spareTables(image.size());
            if (!image.allAllocated()) {
                long end = bits.end();
                tooShort = bits.file().length() < image.layout().fileLength(image.size()) ? 1 : 0;
                allocated = bits.count(0, Math.min(clusters, end));
                behind = bits.count(Math.min(clusters, end), end);
            }
        } catch (BlockException e) {
            return result(new Findings(0, 0, 1), new Findings(0, 0, 0), 0);
        }
        if (behind > 0) {
            LOG.warn(
                    "{}: the bitmap has {} clusters behind the end of the data file: unless a change of the size was interrupted, it was cut, and"
                            + " should be restored before this is repaired",
                    bits.file().filename(),
                    behind);
        }
        boolean cuts = fix.errors() || fix.leaks() && behind == 0;
        if (cuts && behind + spare > 0) {
            bits.clearBehind(image.size(), DebugEvent.CHECK_UPDATE);
        }
        if (tooShort > 0 && fix.errors()) {
            bits.extendFor(image.size());
        }
        Findings found = new Findings(tooShort + behind, spare, 0);
        Findings fixed = new Findings(fix.errors() ? found.corruptions : 0, cuts ? spare : 0, 0);
        return result(found, fixed, allocated);
    }

    private record Findings(long corruptions, long leaks, long errors) {}

    private CheckResult result(Findings found, Findings fixed, long allocated) {
        return new CheckResult(
                found.corruptions - fixed.corruptions,
                found.leaks - fixed.leaks,
                found.errors,
                fixed.corruptions,
                fixed.leaks,
                image.layout().fileLength(image.size()),
                image.clusters(),
                allocated,
                0,
                0);
    }
}
