// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Which protocol, or filter, a name without further words means: that of its prefix, or one for what is there. */
final class Protocols {
    private Protocols() {}

    /**
     * The protocol of this name.
     *
     * @throws BlockException ENOENT for a prefix that there is not
     */
    static BlockDriverProvider of(String filename) throws BlockException {
        if (Filenames.hasProtocol(filename)) {
            String protocol = Filenames.protocol(filename);
            BlockDriverProvider provider = Drivers.find(protocol);
            if (provider == null || !provider.isProtocol()) {
                throw new BlockException(Errno.ENOENT, "Unknown protocol '" + protocol + "'");
            }
            return provider;
        }
        return ofPath(filename);
    }

    /** The protocol of a path, which may have a colon anywhere. */
    static BlockDriverProvider ofPath(String path) throws BlockException {
        return Drivers.get(isDevice(path) ? "host_device" : "file");
    }

    /** Whether two names mean the same file, as far as can be told without opening them. */
    static boolean isSameFile(String name, String otherName) {
        if (name.equals(otherName)) {
            return true;
        }
        Object identity = identity(name);
        return identity != null && identity.equals(identity(otherName));
    }

    private static @Nullable Object identity(String name) {
        try {
            BlockDriverProvider provider = of(name);
            String path = provider.parseFilename(name).get("filename");
            return path == null ? null : provider.identity(path);
        } catch (BlockException e) {
            // A name that means nothing is not the same as another; opening it says what is wrong.
            return null;
        }
    }

    private static boolean isDevice(String filename) {
        if (!filename.startsWith("/dev/")) {
            return false;
        }
        Path path = LocalFilePolicies.localPath(filename);
        return path != null && Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
    }
}
