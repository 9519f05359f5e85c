// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Filenames;
import java.io.PrintStream;

/** Opening of the image that the commands work on, with the checks and the warning that qemu-io has. */
final class ImageFile {
    private ImageFile() {}

    /** Opens an image. */
    static BlockDevice open(String filename, OpenOptions options) throws BlockException {
        if (filename.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "The 'file' block driver requires a file name");
        }
        return BlockDevice.open(filename, options);
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
