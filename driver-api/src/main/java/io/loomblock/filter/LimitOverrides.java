// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Limits;
import io.loomblock.driver.OptionValues;
import java.util.List;

/** Limits that a fault injector sets in place of those of the node below; all in bytes, 0 for the node's own. */
record LimitOverrides(int align, int maxTransfer, int optWriteZero, int maxWriteZero, int optDiscard, int maxDiscard) {
    static final List<DriverOption> OPTIONS = List.of(
            DriverOption.size("align", "Required alignment in bytes"),
            DriverOption.size("max-transfer", "Maximum transfer size in bytes"),
            DriverOption.size("opt-write-zero", "Optimum write zero alignment in bytes"),
            DriverOption.size("max-write-zero", "Maximum write zero size in bytes"),
            DriverOption.size("opt-discard", "Optimum discard alignment in bytes"),
            DriverOption.size("max-discard", "Maximum discard size in bytes"));

    /**
     * Reads the options.
     *
     * @param below those of the node below
     * @throws BlockException EINVAL for one that is no multiple of what it stands on, or too large
     */
    static LimitOverrides of(OptionValues values, Limits below) throws BlockException {
        long given = values.size("align", 0);
        if (given != 0 && Long.bitCount(given) != 1 || given < 0 || given > Limits.MAX_ALIGNMENT) {
            throw refused("align", given);
        }
        long align = Math.max(given, below.requestAlignment());
        int optWriteZero = multiple(values, "opt-write-zero", align);
        int optDiscard = multiple(values, "opt-discard", align);
        return new LimitOverrides(
                (int) given,
                multiple(values, "max-transfer", align),
                optWriteZero,
                multiple(values, "max-write-zero", Math.max(align, optWriteZero)),
                optDiscard,
                multiple(values, "max-discard", Math.max(align, optDiscard)));
    }

    private static int multiple(OptionValues values, String name, long unit) throws BlockException {
        long value = values.size(name, 0);
        if (value < 0 || value >= Integer.MAX_VALUE || value % unit != 0) {
            throw refused(name, value);
        }
        return (int) value;
    }

    private static BlockException refused(String name, long value) {
        return new BlockException(
                Errno.EINVAL, "Cannot meet constraints with " + name + " " + Long.toUnsignedString(value));
    }

    /** The limits of the node below with these in place. */
    Limits apply(Limits below) {
        return below.withAlignment(align == 0 ? 1 : align, 1)
                .withTransfer(below.optimalTransfer(), maxTransfer == 0 ? below.maxTransfer() : maxTransfer)
                .withZeroAlignment(
                        optWriteZero == 0 ? below.zeroAlignment() : optWriteZero,
                        optDiscard == 0 ? below.discardAlignment() : optDiscard)
                .withMaxZeroes(
                        maxWriteZero == 0 ? below.maxZeroes() : maxWriteZero,
                        maxDiscard == 0 ? below.maxDiscard() : maxDiscard);
    }
}
