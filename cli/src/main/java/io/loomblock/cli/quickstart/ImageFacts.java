// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import org.jspecify.annotations.Nullable;

/**
 * What the table shows of an image itself, without its backing file.
 *
 * @param format of the image
 * @param allocatedBytes what its file takes on disk, or -1 if that is not known
 * @param check what the check found, or null for a format that has none
 * @param picture which parts of the disk the image has allocated
 */
record ImageFacts(
        String format, long allocatedBytes, @Nullable CheckResult check, String picture) {
    static ImageFacts of(BlockDevice device, @Nullable CheckResult check) throws BlockException {
        return new ImageFacts(
                device.node().driver().formatName(),
                device.node().allocatedFileSize(),
                check,
                AllocationPicture.of(device));
    }

    /** What the check says of an image that it does not change, or null for a format that has none. */
    static @Nullable CheckResult check(String path, OpenOptions readOnly) throws BlockException {
        try (BlockDevice device = BlockDevice.open(path, readOnly.withCheck(true))) {
            return device.check(FixMode.NONE);
        } catch (BlockException e) {
            if (e.errno() == Errno.ENOTSUP) {
                return null;
            }
            throw e;
        }
    }
}
