// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A directory of the test's own: names and the drivers that are their files, for images that consist of several.
 *
 * <p>A driver may be given that records, fails or holds up the requests of one file. Each is closed with the image that it was opened for,
 * which drivers of the test kit do not mind.
 */
public final class TestFiles {
    private final Map<String, BlockDriver> files = new LinkedHashMap<>();
    private final Map<String, String[]> rules = new HashMap<>();

    /** Has the fault injector stand in front of a file whenever it is opened; names and values of its options in turn. */
    public TestFiles inject(String name, String... faults) {
        rules.put(name, faults);
        return this;
    }

    /** Puts a file under this name, in the place of the one that was there. */
    public TestFiles put(String name, BlockDriver file) {
        files.put(name, file);
        return this;
    }

    /** Puts a file with these bytes in memory. */
    public MemoryDriver put(String name, byte[] content) {
        return put(name, SparseBytes.of(content));
    }

    /** Puts a file with these bytes in memory. */
    public MemoryDriver put(String name, SparseBytes content) {
        MemoryDriver file = new MemoryDriver(content);
        files.put(name, file);
        return file;
    }

    /** The file of this name, which is in memory and not watched by anything. */
    public MemoryDriver memory(String name) {
        if (files.get(name) instanceof MemoryDriver memory) {
            return memory;
        }
        throw new IllegalArgumentException("no file in memory is called " + name);
    }

    /** Makes an image in a new file in memory, which is returned. */
    public MemoryDriver create(String format, String name, CreateOptions options) throws BlockException {
        MemoryDriver file = new MemoryDriver();
        create(format, name, file, options);
        return file;
    }

    /** Makes an image in an empty file of the test's own. */
    public void create(String format, String name, BlockDriver file, CreateOptions options) throws BlockException {
        Drivers.get(format).create(new Creation(name, file), options);
    }

    /** Opens an image of this format, null to probe. */
    public BlockDevice open(String name, @Nullable String format, OpenOptions options) throws BlockException {
        return BlockDevice.of(openNode(name, format, options), options);
    }

    private Node openNode(String name, @Nullable String format, OpenOptions options) throws BlockException {
        BlockDriver driver = files.get(name);
        if (driver == null) {
            throw new BlockException(Errno.ENOENT);
        }
        String[] faults = rules.get(name);
        Node file =
                faults == null ? TestImages.node(name, driver, options) : Blkdebug.on(name, driver, options, faults);
        BlockDriverProvider provider = format == null ? probe(file, options) : Drivers.get(format);
        OptionValues values = OptionValues.of(provider, options.nodeOptions());
        Opening opening = new Opening(name, options, values, format == null, file);
        return new Node(name, provider.open(opening), opening.children, options);
    }

    private static BlockDriverProvider probe(Node file, OpenOptions options) throws BlockException {
        try (AlignedBuffer head = options.pool().acquireReserved(Drivers.PROBE_BYTES)) {
            int length = Drivers.probeLength(file.length());
            file.coReadv(0, length, IoVector.of(head), 0, 0);
            return Drivers.probe(head, length);
        }
    }

    private final class Opening implements OpenContext {
        private final String name;
        private final OpenOptions options;
        private final OptionValues values;
        private final boolean probed;
        private final Node file;
        private final Map<String, Node> children = new LinkedHashMap<>();

        Opening(String name, OpenOptions options, OptionValues values, boolean probed, Node file) {
            this.name = name;
            this.options = options;
            this.values = values;
            this.probed = probed;
            this.file = file;
            children.put(Node.FILE, file);
        }

        @Override
        public String filename() {
            return name;
        }

        @Override
        public OpenOptions options() {
            return options;
        }

        @Override
        public OptionValues values() {
            return values;
        }

        @Override
        public boolean probed() {
            return probed;
        }

        @Override
        public Node file() {
            return file;
        }

        @Override
        public @Nullable Node openBacking(BackingReference reference) throws BlockException {
            if (options.noBacking() || reference.name().isEmpty()) {
                return null;
            }
            OpenOptions below = options.withWritable(false).withNodeOptions(NodeOptions.NONE);
            Node node = openNode(reference.name(), reference.format(), below);
            children.put(Node.BACKING, node);
            return node;
        }

        @Override
        public Node openChild(String role, String childName, @Nullable String format) throws BlockException {
            Node node = openNode(childName, format, options.withNodeOptions(NodeOptions.NONE));
            children.put(role, node);
            return node;
        }

        @Override
        public long lengthOf(String other, @Nullable String format) throws BlockException {
            try (Node node = openNode(other, format, OpenOptions.readOnly().withNoBacking(true))) {
                return node.length();
            }
        }

        @Override
        public Node openFiltered(String role, @Nullable String filename) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Node openImage(String role, @Nullable String filename) {
            throw new UnsupportedOperationException();
        }
    }

    private final class Creation implements CreateContext {
        private final String name;
        private final BlockDriver file;

        Creation(String name, BlockDriver file) {
            this.name = name;
            this.file = file;
        }

        @Override
        public String filename() {
            return name;
        }

        @Override
        public OpenOptions options() {
            return OpenOptions.readWrite();
        }

        @Override
        public Node createFile() throws BlockException {
            files.put(name, file);
            return TestImages.node(name, file, OpenOptions.readWrite());
        }

        @Override
        public void deleteFile() {
            files.remove(name);
        }

        @Override
        public Node openNamed(String other, @Nullable String format, OpenOptions options) throws BlockException {
            return openNode(other, format, options);
        }
    }
}
