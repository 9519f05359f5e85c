// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;

/** A disk that moves no bytes. */
final class NullDisk {
    private NullDisk() {}

    /** One of {@code size} bytes, open for writing. */
    static BlockDevice open(long size) throws BlockException {
        OpenOptions options = OpenOptions.readWrite()
                .withFormat("null-co")
                .withNodeOptions(NodeOptions.NONE.with("size", Long.toString(size)));
        return BlockDevice.open("null-co://", options);
    }
}
