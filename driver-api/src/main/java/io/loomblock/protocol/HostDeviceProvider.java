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
import io.loomblock.driver.OpenContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The protocol {@code host_device}: block and character devices of this machine.
 *
 * <p>Options, as of files: {@code filename}, {@code locking}; {@code aio}, {@code aio-max-batch} and {@code drop-cache} are accepted,
 * without effect. "Creating" takes {@code size}, which the device must have, and {@code preallocation}, which can only
 * be off.
 */
public final class HostDeviceProvider implements BlockDriverProvider {
    private static final String PREFIX = "host_device:";

    private final OpenFiles files;

    /** For ServiceLoader. */
    public HostDeviceProvider() {
        this(OpenFiles.shared());
    }

    HostDeviceProvider(OpenFiles files) {
        this.files = files;
    }

    @Override
    public String formatName() {
        return "host_device";
    }

    @Override
    public Kind kind() {
        return Kind.PROTOCOL;
    }

    @Override
    public List<DriverOption> createOptions() {
        return List.of(
                DriverOption.size("size", "Virtual disk size"),
                DriverOption.string("preallocation", "Preallocation mode (allowed values: off)"));
    }

    /** Makes nothing: the device must be there, large enough and not in use. */
    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        String name = strip(context.filename());
        PreallocationMode space = PreallocationMode.named(
                options.options().getOrDefault("preallocation", PreallocationMode.OFF.optionName()));
        if (space != PreallocationMode.OFF) {
            throw new BlockException(Errno.ENOTSUP, "Unsupported preallocation mode '" + space.optionName() + "'");
        }
        OpenMode mode = new OpenMode(true, false, false);
        try (Lease lease = files.open(name, mode, Permissions.CREATE, HostDeviceProvider::requireDevice)) {
            if (lease.io().length() < options.size()) {
                throw new BlockException(Errno.ENOSPC, "The image file '" + name + "' is too small");
            }
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
                access.filename(),
                access.mode(writable),
                access.permissions(writable),
                HostDeviceProvider::requireDevice);
        return new HostDeviceDriver(lease, access);
    }

    @Override
    public @Nullable Object identity(String filename) {
        return files.identify(strip(filename));
    }

    private static String strip(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
    }

    private static void requireDevice(String name, OpenMode mode, FileKind kind) throws BlockException {
        if (!kind.isDevice()) {
            throw OpenFiles.wrongKind("host_device", name, "either a character or block device");
        }
    }
}
