// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.Closer;

/** Opens the images that a command line names, with the messages of QEMU's tools. */
final class Images {
    private Images() {}

    /** Read-only, format probed; names inside images may be any local file. */
    static OpenOptions readOnly() {
        return OpenOptions.readOnly().withOffline(true).withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
    }

    /** The same, writable. */
    static OpenOptions readWrite() {
        return readOnly().withWritable(true);
    }

    /** Opens an image; warns where a raw image that is to be written was only guessed to be one. */
    static BlockDevice open(String name, boolean imageOpts, OpenOptions options, Console console) throws ToolException {
        return open(name, imageOpts, options, console, ToolException.FAILURE);
    }

    /**
     * Opens an image that the command line names.
     *
     * @param imageOpts whether the name is a list of options
     * @param exitCode of a failure
     */
    static BlockDevice open(String name, boolean imageOpts, OpenOptions options, Console console, int exitCode)
            throws ToolException {
        try {
            BlockDevice device =
                    imageOpts ? BlockDevice.open(described(name, options, console, exitCode)) : openFile(name, options);
            refuseReadOnly(device, options);
            if (options.writable()
                    && device.node().probed()
                    && device.node().driver().formatName().equals("raw")) {
                warnGuessedRaw(device.filename(), console);
            }
            return device;
        } catch (BlockException e) {
            throw failure(name, e, exitCode);
        }
    }

    private static BlockDevice openFile(String name, OpenOptions options) throws BlockException {
        if (name.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "The 'file' block driver requires a file name");
        }
        return BlockDevice.open(name, options);
    }

    private static OpenOptions described(String list, OpenOptions options, Console console, int exitCode)
            throws ToolException {
        if (options.format() != null) {
            throw ToolException.failure("--image-opts and --format are mutually exclusive", exitCode, null);
        }
        return options.withNodeOptions(OptionList.nodeOptions(list, "file", console::warning));
    }

    /** Options may say read-only although the command has to write. */
    private static void refuseReadOnly(BlockDevice device, OpenOptions options) throws BlockException {
        if (options.writable() && device.readOnly()) {
            BlockException failure = new BlockException(Errno.EPERM, "Block node is read-only");
            Closer.closeAfter(failure, device);
            throw failure;
        }
    }

    /** The failure to open an image of this name. */
    static ToolException failure(String name, BlockException e, int exitCode) {
        return ToolException.failure("Could not open '" + name + "': " + e.reason(), exitCode, e);
    }

    private static void warnGuessedRaw(String filename, Console console) {
        console.errorLine("WARNING: Image format was not specified for '" + filename + "' and probing guessed raw.\n"
                + "         Automatically detecting the format is dangerous for raw images,"
                + " write operations on block 0 will be restricted.\n"
                + "         Specify the 'raw' format explicitly to remove the restrictions.");
    }
}
