// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;

/** The filter {@code copy-on-read}: what is read through it from a backing file stays in the image below. */
public final class CopyOnReadProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "copy-on-read";
    }

    @Override
    public Kind kind() {
        return Kind.FILTER;
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Node file = context.openFiltered(Node.FILE, null);
        if (file.readOnly()) {
            throw new BlockException(Errno.EPERM, "Block node is read-only");
        }
        return new CopyOnReadDriver(file);
    }
}
