// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** The file protocols on one engine, with a table of open files of their own: like another process, as far as locks let them. */
final class TestEngine {
    private final String name;
    private final FileEngine engine;
    private final OpenFiles files;

    private TestEngine(String name, FileEngine engine) {
        this.name = name;
        this.engine = engine;
        this.files = new OpenFiles(engine);
    }

    /** All engines that work on this JVM. */
    static List<TestEngine> all() throws ReflectiveOperationException {
        List<TestEngine> all = new ArrayList<>();
        all.add(new TestEngine("channel", new ChannelEngine()));
        all.add(new TestEngine("channel on other threads", new ChannelEngine(false)));
        if (hasNative()) {
            all.add(ofNative());
            all.add(ofNative("native without queues", false));
        }
        return all;
    }

    static boolean hasNative() {
        try {
            Class.forName("io.loomblock.protocol.NativeEngine");
            return true;
        } catch (ClassNotFoundException | UnsupportedClassVersionError e) {
            return false;
        }
    }

    /** The one on FFM, whose classes Java 21 cannot load; the test is skipped there. */
    static TestEngine ofNative() throws ReflectiveOperationException {
        Assumptions.assumeTrue(hasNative(), "there is no FFM on this JVM");
        return ofNative("native", true);
    }

    private static TestEngine ofNative(String name, boolean asynchronous) throws ReflectiveOperationException {
        Constructor<?> libc = Class.forName("io.loomblock.protocol.LibC").getDeclaredConstructor();
        libc.setAccessible(true);
        Constructor<?> engine = Class.forName("io.loomblock.protocol.NativeEngine")
                .getDeclaredConstructor(Class.forName("io.loomblock.protocol.LibC"), boolean.class);
        engine.setAccessible(true);
        return new TestEngine(name, (FileEngine) engine.newInstance(libc.newInstance(), asynchronous));
    }

    static TestEngine ofChannel() {
        return new TestEngine("channel", new ChannelEngine());
    }

    /** Whether it knows holes and allocated sizes. */
    boolean knowsHoles() {
        return name.startsWith("native");
    }

    FileEngine engine() {
        return engine;
    }

    OpenFiles files() {
        return files;
    }

    /** Opens a regular file. */
    Node open(String filename, OpenOptions options) throws BlockException {
        return open(new FileProvider(files), filename, options);
    }

    Node openDevice(String filename, OpenOptions options) throws BlockException {
        return open(new HostDeviceProvider(files), filename, options);
    }

    static Node open(BlockDriverProvider provider, String filename, OpenOptions options) throws BlockException {
        BlockDriver driver = provider.open(new Opening(
                filename,
                options,
                OptionValues.of(provider, provider.parseFilename(filename).with(options.nodeOptions()))));
        return new Node(filename, driver, Map.of(), options);
    }

    /** Makes a file of this length, or empties the one that is there. */
    void create(String filename, long size) throws BlockException {
        new FileProvider(files).create(new Creating(filename), CreateOptions.ofSize(size));
    }

    @Override
    public String toString() {
        return name;
    }

    private record Opening(String filename, OpenOptions options, OptionValues values) implements OpenContext {
        @Override
        public boolean probed() {
            return false;
        }

        @Override
        public Node file() {
            throw new IllegalStateException();
        }

        @Override
        public Node openBacking(BackingReference reference) {
            throw new IllegalStateException();
        }

        @Override
        public OptionValues values() {
            return values;
        }

        @Override
        public Node openChild(String role, String name, String format) {
            throw new IllegalStateException();
        }

        @Override
        public Node openFiltered(String role, String name) {
            throw new IllegalStateException();
        }

        @Override
        public Node openImage(String role, String name) {
            throw new IllegalStateException();
        }
    }

    private record Creating(String filename) implements CreateContext {
        @Override
        public OpenOptions options() {
            return OpenOptions.readWrite();
        }

        @Override
        public Node createFile() throws BlockException {
            throw new BlockException(Errno.ENOTSUP);
        }

        @Override
        public void deleteFile() {}

        @Override
        public Node openNamed(String other, String format, OpenOptions options) throws BlockException {
            throw new BlockException(Errno.ENOTSUP);
        }
    }
}
