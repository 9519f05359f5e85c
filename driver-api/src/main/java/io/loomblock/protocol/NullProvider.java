// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.NodeName;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The protocol {@code null-co}: a disk of any size that holds nothing.
 *
 * <p>Options: {@code size}, 1 GiB if it is not said; {@code read-zeroes}, whether reads give zeros or leave memory as it is.
 */
public class NullProvider implements BlockDriverProvider {
    private static final long DEFAULT_SIZE = 1L << 30;

    /** For ServiceLoader. */
    public NullProvider() {}

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

    /** The name holds nothing but the protocol. */
    @Override
    public NodeOptions parseFilename(String filename) throws BlockException {
        if (!filename.equals(formatName() + "://")) {
            throw new BlockException(
                    Errno.EINVAL, "The only allowed filename for this driver is '" + formatName() + "://'");
        }
        return NodeOptions.NONE;
    }

    @Override
    public @Nullable String exactFilename(NodeOptions mattering, Map<String, NodeName> children) {
        return mattering.isEmpty() ? formatName() + "://" : null;
    }

    @Override
    public BlockDriver open(OpenContext context) {
        OptionValues values = context.values();
        return new NullDriver(formatName(), values.size("size", DEFAULT_SIZE), values.bool("read-zeroes", false));
    }
}
