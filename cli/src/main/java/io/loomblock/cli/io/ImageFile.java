// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Closer;
import java.io.PrintStream;
import org.jspecify.annotations.Nullable;

/** Opening of the image that the commands work on, with the checks and the warning that qemu-io has. */
final class ImageFile {
    private ImageFile() {}

    /** Opens an image, by a name or by options alone. */
    static BlockDevice open(@Nullable String filename, OpenOptions options) throws BlockException {
        if (filename != null && filename.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "The 'file' block driver requires a file name");
        }
        BlockDevice device = filename == null ? BlockDevice.open(options) : BlockDevice.open(filename, options);
        if (options.writable() && device.readOnly()) {
            BlockException failure = new BlockException(Errno.EPERM, "Block node is read-only");
            Closer.closeAfter(failure, device);
            throw failure;
        }
        return device;
    }

    /** Warns of an image that only a guess made raw, if it can be written. */
    static void warnIfGuessed(BlockDevice device, OpenOptions options, PrintStream err) {
        boolean guessedRaw =
                device.node().probed() && device.node().driver().formatName().equals("raw");
        if (guessedRaw && !device.readOnly()) {
            err.println(
                    "WARNING: Image format was not specified for '" + device.filename() + "' and probing guessed raw.");
            err.println("         Automatically detecting the format is dangerous for raw images, write operations on"
                    + " block 0 will be restricted.");
            err.println("         Specify the 'raw' format explicitly to remove the restrictions.");
        }
    }
}
