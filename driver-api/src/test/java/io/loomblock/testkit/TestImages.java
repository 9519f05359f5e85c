// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes and opens images on drivers of the test's own, in place of files. */
public final class TestImages {
    private TestImages() {}

    /** A new image of this format in memory. */
    public static MemoryDriver create(String format, CreateOptions options) throws BlockException {
        return create(format, "test." + format, options);
    }

    /**
     * The same under a name, which matters for relative names of backing files.
     *
     * @param filename the name that the image believes to have
     */
    public static MemoryDriver create(String format, String filename, CreateOptions options) throws BlockException {
        MemoryDriver file = new MemoryDriver();
        Drivers.get(format).create(new Creation(filename, file), options);
        return file;
    }

    /** Opens an image on a driver. */
    public static BlockDevice open(String filename, BlockDriver file, OpenOptions options) throws BlockException {
        return BlockDevice.openOn(node(filename, file, options), options);
    }

    /** A node on a protocol driver. */
    public static Node node(String filename, BlockDriver file, OpenOptions options) throws BlockException {
        return new Node(filename, file, Map.of(), options);
    }

    private record Creation(String filename, MemoryDriver file) implements CreateContext {
        @Override
        public OpenOptions options() {
            return OpenOptions.readWrite();
        }

        @Override
        public Node createFile() throws BlockException {
            file.replace(new SparseBytes());
            return node(filename, file, OpenOptions.readWrite());
        }

        @Override
        public void deleteFile() {
            file.replace(new SparseBytes());
        }

        @Override
        public Node openNamed(String name, @Nullable String format, OpenOptions options) throws BlockException {
            return BlockDevice.open(Filenames.combine(filename, name), options.withFormat(format))
                    .node();
        }
    }
}
