// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OpenContext;
import java.util.List;
import java.util.Map;

/** The protocol {@code null-co}: a disk of any size that holds nothing. */
public class NullProvider implements BlockDriverProvider {
    private static final long DEFAULT_SIZE = 1L << 30;

    @Override
    public String formatName() {
        return "null-co";
    }

    @Override
    public Kind kind() {
        return Kind.PROTOCOL;
    }

    @Override
    public List<DriverOption> openOptions() {
        return List.of(
                DriverOption.size("size", "size of the null block"),
                DriverOption.bool("read-zeroes", "return zeroes when read"));
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Map<String, String> options = context.options().driverOptions();
        return new NullDriver(
                formatName(),
                size(options.getOrDefault("size", Long.toString(DEFAULT_SIZE))),
                options.getOrDefault("read-zeroes", "off").equals("on"));
    }

    private static long size(String text) throws BlockException {
        try {
            long size = Long.parseLong(text);
            if (size >= 0) {
                return size;
            }
        } catch (NumberFormatException e) {
            throw new BlockException(Errno.EINVAL, "Parameter 'size' expects a size", e);
        }
        throw new BlockException(Errno.EINVAL, "Parameter 'size' expects a size");
    }
}
