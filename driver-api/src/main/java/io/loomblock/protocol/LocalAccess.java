// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import java.util.List;

/**
 * How a file or device of this machine is opened: the options that both have, and what follows from them.
 *
 * @param locked whether locks keep other openers away
 */
record LocalAccess(OpenOptions options, String filename, boolean locked) {
    /** What files and devices may be told. */
    static final List<DriverOption> OPTIONS = List.of(
            DriverOption.file("filename", "File name of the image"),
            DriverOption.choice("locking", "file locking mode (on/off/auto, default: auto)", "on", "off", "auto")
                    .withDefault("auto")
                    .asHint(),
            DriverOption.choice("aio", "accepted, without effect", "threads", "native", "io_uring")
                    .withDefault("threads")
                    .asHint(),
            DriverOption.number("aio-max-batch", "accepted, without effect")
                    .withDefault("0")
                    .asHint(),
            DriverOption.bool("drop-cache", "accepted, without effect")
                    .withDefault("on")
                    .asHint());

    /**
     * What a context says.
     *
     * @throws BlockException EINVAL if it does not name a file, or contradicts itself
     */
    static LocalAccess of(OpenContext context) throws BlockException {
        OptionValues values = context.values();
        String name = values.string("filename", "");
        if (name.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "The 'file' block driver requires a file name");
        }
        OpenOptions options = context.options();
        if (values.string("aio", "threads").equals("native") && !options.cache().direct()) {
            throw new BlockException(
                    Errno.EINVAL,
                    "aio=native was specified, but it requires cache.direct=on, which was not specified.");
        }
        boolean locked = !values.string("locking", "auto").equals("off");
        return new LocalAccess(options, name, locked);
    }

    /** The permissions that are needed. */
    Permissions permissions(boolean writable) {
        return permissions(writable, options.inactive());
    }

    /** The same while another process owns the image, or not. */
    Permissions permissions(boolean writable, boolean inactive) {
        if (options.forceShare() || !locked) {
            return Permissions.NONE;
        }
        if (inactive) {
            return Permissions.INACTIVE;
        }
        return writable ? Permissions.READ_WRITE : Permissions.READ_ONLY;
    }

    /** The mode in which the file is opened. */
    OpenMode mode(boolean writable) {
        return new OpenMode(writable, options.cache().direct(), false);
    }
}
