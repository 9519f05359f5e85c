// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.OpenContext;

/** The protocol {@code host_device}: block and character devices of this machine. */
public final class HostDeviceProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "host_device";
    }

    @Override
    public Kind kind() {
        return Kind.PROTOCOL;
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        throw new BlockException(Errno.ENOTSUP);
    }
}
