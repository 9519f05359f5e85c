// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockException;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;

/** Finds formats and protocols by name, with the messages of QEMU's tools. */
final class Formats {
    private Formats() {}

    /** The format of a new image. */
    static BlockDriverProvider find(String name) throws ToolException {
        BlockDriverProvider provider = Drivers.find(name);
        if (provider == null) {
            throw ToolException.failure("Unknown file format '" + name + "'");
        }
        return provider;
    }

    /** The protocol of the name of a new image. */
    static BlockDriverProvider protocolOfNew(String filename) throws ToolException, BlockException {
        String name = Filenames.hasProtocol(filename) ? Filenames.protocol(filename) : "file";
        BlockDriverProvider provider = Drivers.find(name);
        if (provider == null) {
            throw ToolException.failure("Unknown protocol '" + name + "'");
        }
        if (provider.createOptions().isEmpty()) {
            throw ToolException.failure("Protocol driver '" + name + "' does not support image creation");
        }
        return provider;
    }

    /** The recorded format of a backing file has to be one that there is. */
    static void requireBackingFormat(String name) throws ToolException {
        if (Drivers.find(name) == null) {
            throw ToolException.failure("Parameter 'backing-fmt' does not accept value '" + name + "'");
        }
    }
}
