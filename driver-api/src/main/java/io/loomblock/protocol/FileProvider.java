// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.OpenContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** The protocol {@code file}: regular files of this machine. */
public final class FileProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "file";
    }

    @Override
    public Kind kind() {
        return Kind.PROTOCOL;
    }

    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        String name = Filenames.stripFile(context.filename());
        try {
            FileIo io = ChannelFile.open(path(name), true, false, true);
            try {
                io.truncate(0);
                if (options.size() > 0) {
                    io.truncate(options.size());
                }
            } finally {
                io.close();
            }
        } catch (IOException e) {
            throw IoErrors.cannotOpen(name, IoErrors.errnoOf(e));
        }
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        String name = Filenames.stripFile(context.filename());
        Path path = path(name);
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                throw new BlockException(Errno.EINVAL, "'file' driver requires '" + name + "' to be a regular file");
            }
            FileIo io = ChannelFile.open(
                    path,
                    context.options().writable(),
                    context.options().cache().direct(),
                    false);
            return new FileDriver(io, attributes.fileKey(), context.options().unmap());
        } catch (BlockException e) {
            throw e;
        } catch (IOException e) {
            throw IoErrors.cannotOpen(name, IoErrors.errnoOf(e));
        }
    }

    private static Path path(String name) throws BlockException {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw IoErrors.cannotOpen(name, Errno.ENOENT);
        }
    }
}
