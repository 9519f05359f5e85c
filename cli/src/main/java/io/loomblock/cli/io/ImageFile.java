// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;
import java.io.PrintStream;

/** Opening of the image that the commands work on, with the checks and the warning that qemu-io has. */
final class ImageFile {
    private ImageFile() {}

    /** Opens an image; EINVAL for sharing a writable image by force, and for options that its format does not have. */
    static BlockDevice open(String filename, OpenOptions options) throws BlockException {
        if (options.forceShare() && options.writable()) {
            throw new BlockException(Errno.EINVAL, "force-share=on can only be used with read-only images");
        }
        if (filename.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "The 'file' block driver requires a file name");
        }
        BlockDevice device = BlockDevice.open(filename, options);
        try {
            checkDriverOptions(device, options);
            return device;
        } catch (BlockException e) {
            Closer.closeAfter(e, device);
            throw e;
        }
    }

    private static void checkDriverOptions(BlockDevice device, OpenOptions options) throws BlockException {
        String format = device.node().driver().formatName();
        BlockDriverProvider provider = Drivers.get(format);
        for (String name : options.driverOptions().keySet()) {
            if (provider.openOptions().stream()
                    .noneMatch(option -> option.name().equals(name))) {
                throw new BlockException(
                        Errno.EINVAL, "Block format '" + format + "' does not support the option '" + name + "'");
            }
        }
    }

    /** Warns of an image that only a guess made raw, if it can be written. */
    static void warnIfGuessed(BlockDevice device, OpenOptions options, PrintStream err) {
        boolean guessedRaw =
                options.format() == null && device.node().driver().formatName().equals("raw");
        if (guessedRaw && !device.readOnly()) {
            err.println("WARNING: Image format was not specified for '" + Filenames.stripFile(device.filename())
                    + "' and probing guessed raw.");
            err.println("         Automatically detecting the format is dangerous for raw images, write operations on"
                    + " block 0 will be restricted.");
            err.println("         Specify the 'raw' format explicitly to remove the restrictions.");
        }
    }
}
