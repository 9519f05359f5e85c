// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The protocol {@code file}: regular files of this machine.
 *
 * <p>Options: {@code filename}; {@code locking} (on, off, auto), whether locks keep other processes away; {@code aio}, {@code
 * aio-max-batch} and {@code drop-cache} are accepted, without effect. New files: {@code size}; {@code preallocation}; {@code nocow} and
 * {@code extent_size_hint} are accepted, without effect.
 */
public final class FileProvider implements BlockDriverProvider {
    private final OpenFiles files;

    /** For ServiceLoader. */
    public FileProvider() {
        this(OpenFiles.shared());
    }

    FileProvider(OpenFiles files) {
        this.files = files;
    }

    @Override
    public String formatName() {
        return "file";
    }

    @Override
    public Kind kind() {
        return Kind.PROTOCOL;
    }

    /** What a format on a file may be asked for besides its own options; hints to file systems that we do not give are accepted. */
    @Override
    public List<DriverOption> createOptions() {
        return List.of(
                DriverOption.size("size", "Virtual disk size"),
                DriverOption.bool("nocow", "Turn off copy-on-write (valid only on btrfs)"),
                DriverOption.string("preallocation", "Preallocation mode (allowed values: off, falloc, full)"),
                DriverOption.size("extent_size_hint", "Extent size hint for the image file, 0 to disable"));
    }

    /** Makes the file, or empties it; one that somebody uses (EAGAIN), or with options that do not fit, is left as it is. */
    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        String name = Filenames.stripFile(context.filename());
        OptionValues values = OptionValues.of(this, options);
        PreallocationMode space =
                PreallocationMode.named(values.string("preallocation", PreallocationMode.OFF.optionName()));
        Preallocation.requireSupported(space);
        OpenMode mode = new OpenMode(true, false, true);
        try (Lease lease = files.open(name, mode, Permissions.CREATE, FileProvider::requireRegular)) {
            FileIo io = lease.io();
            IoVector zeros = BufferPool.shared().zeros();
            lease.size().set(io, 0, PreallocationMode.OFF, zeros);
            lease.size().set(io, Math.max(0, options.size()), space, zeros);
        }
    }

    @Override
    public List<DriverOption> openOptions() {
        return LocalAccess.OPTIONS;
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        LocalAccess access = LocalAccess.of(context);
        boolean writable = access.options().writable();
        Lease lease = files.open(
                access.filename(), access.mode(writable), access.permissions(writable), FileProvider::requireRegular);
        return new FileDriver(lease, access);
    }

    @Override
    public @Nullable Object identity(String filename) {
        return files.identify(Filenames.stripFile(filename));
    }

    private static void requireRegular(String name, OpenMode mode, FileKind kind) throws BlockException {
        if (kind == FileKind.DIRECTORY && mode.writable()) {
            throw IoErrors.cannotOpen(name, mode, Errno.EISDIR);
        }
        if (kind != FileKind.REGULAR) {
            throw OpenFiles.wrongKind("file", name, "a regular file");
        }
    }
}
