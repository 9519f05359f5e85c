// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.ToolException;

/** Opens the images that a command line names, with the messages of QEMU's tools. */
final class Images {
    private Images() {}

    /** Read-only, format probed; names inside images may be any local file. */
    static OpenOptions readOnly() {
        return OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
    }

    /** The same, writable. */
    static OpenOptions readWrite() {
        return readOnly().withWritable(true);
    }

    /** Opens an image; warns where a raw image that is to be written was only guessed to be one. */
    static BlockDevice open(String filename, OpenOptions options, Console console) throws ToolException {
        return open(filename, options, console, ToolException.FAILURE);
    }

    static BlockDevice open(String filename, OpenOptions options, Console console, int exitCode) throws ToolException {
        if (filename.isEmpty()) {
            throw ToolException.failure(
                    "Could not open '': The 'file' block driver requires a file name", exitCode, null);
        }
        try {
            BlockDevice device = BlockDevice.open(filename, options);
            if (options.writable()
                    && options.format() == null
                    && device.node().driver().formatName().equals("raw")) {
                warnGuessedRaw(filename, console);
            }
            return device;
        } catch (BlockException e) {
            throw ToolException.failure("Could not open '" + filename + "': " + e.reason(), exitCode, e);
        }
    }

    private static void warnGuessedRaw(String filename, Console console) {
        console.errorLine("WARNING: Image format was not specified for '" + filename + "' and probing guessed raw.\n"
                + "         Automatically detecting the format is dangerous for raw images,"
                + " write operations on block 0 will be restricted.\n"
                + "         Specify the 'raw' format explicitly to remove the restrictions.");
    }
}
