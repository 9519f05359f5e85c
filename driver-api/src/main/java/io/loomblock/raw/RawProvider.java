// SPDX-License-Identifier: Apache-2.0
package io.loomblock.raw;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;

/**
 * The raw format: the file is the guest's disk, byte for byte.
 *
 * <p>New images: {@code size}, and what the protocol takes.
 */
public final class RawProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "raw";
    }

    @Override
    public Kind kind() {
        return Kind.FORMAT;
    }

    @Override
    public int probe(AlignedBuffer head, int length) {
        return 1;
    }

    @Override
    public List<DriverOption> createOptions() {
        // Preallocation is the file's to offer.
        return List.of(DriverOption.size("size", "Virtual disk size"));
    }

    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        if (options.size() < 0) {
            throw new BlockException(Errno.EINVAL, "Image creation needs a size parameter");
        }
        PreallocationMode mode = PreallocationMode.named(
                options.options().getOrDefault("preallocation", PreallocationMode.OFF.optionName()));
        try (Node file = context.createFile()) {
            file.truncate(options.size(), true, mode);
        } catch (BlockException e) {
            context.deleteFile();
            throw e;
        }
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        return new RawDriver(context.file(), context.probed(), context.options().pool());
    }
}
