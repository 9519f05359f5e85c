// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Finds the errno in what java.io throws: by the kind of the exception, else by the system's text in its message. */
final class IoErrors {
    private IoErrors() {}

    /** The failure in our words; {@link Errno#EIO} where nothing better can be told. */
    static BlockException convert(IOException e) {
        Errno errno = errnoOf(e);
        return new BlockException(errno, errno.text(), e);
    }

    static Errno errnoOf(IOException e) {
        if (e instanceof BlockException already) {
            return already.errno();
        }
        if (e instanceof NoSuchFileException) {
            return Errno.ENOENT;
        }
        if (e instanceof AccessDeniedException) {
            return Errno.EACCES;
        }
        if (e instanceof FileAlreadyExistsException) {
            return Errno.EEXIST;
        }
        if (e instanceof ClosedChannelException) {
            return Errno.EBADF;
        }
        String text = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
        if (text != null) {
            for (Errno errno : Errno.values()) {
                if (text.contains(errno.text())) {
                    return errno;
                }
            }
        }
        return Errno.EIO;
    }

    /** A file that could not be opened or created, in the words of QEMU. */
    static BlockException cannotOpen(String name, OpenMode mode, Errno errno) {
        String verb = mode.create() ? "create" : "open";
        return new BlockException(errno, "Could not " + verb + " '" + name + "': " + errno.text());
    }
}
