// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.BlockDriverProvider.Kind;
import io.loomblock.driver.Closer;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns a name and options into a tree of nodes: protocol, format, and what the image names in turn.
 *
 * <p>A chain that contains itself is refused by the identity of its files, whatever their names. spec: block-layer.md section 5.
 */
final class ImageOpener {
    private static final Logger LOG = LoggerFactory.getLogger(ImageOpener.class);
    /** Longer chains are refused; each level costs stack and open files. */
    private static final int MAX_DEPTH = 200;

    private ImageOpener() {}

    /** Opens the image of this name. */
    static Node open(String filename, OpenOptions options) throws BlockException {
        return open(filename, options, null);
    }

    /** Opens the format on a node that is there already; the node is owned by the result, and closed when this fails. */
    static Node openOn(Node file, OpenOptions options) throws BlockException {
        return openFormat(
                file.filename(), options, file, new Ancestor(null, file.driver().identity()));
    }

    /** Makes an image of this format. */
    static void create(String format, String filename, CreateOptions create, OpenOptions options)
            throws BlockException {
        Drivers.get(format).create(new Creation(filename, options), create);
    }

    private static Node open(String filename, OpenOptions options, @Nullable Ancestor above) throws BlockException {
        String format = options.format();
        BlockDriverProvider named = format == null ? null : Drivers.get(format);
        BlockDriverProvider provider = named != null && named.kind() == Kind.PROTOCOL ? named : protocolOf(filename);
        // Before the file is opened, which its own locks would prevent with another message.
        new Ancestor(above, provider.identity(filename)).refuseLoop(filename);
        Node protocol = openProtocol(provider, filename, options);
        if (named != null && named.kind() == Kind.PROTOCOL) {
            return protocol;
        }
        try {
            Ancestor self = new Ancestor(above, protocol.driver().identity());
            self.refuseLoop(filename);
            return openFormat(filename, options, protocol, self);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, protocol);
            throw e;
        }
    }

    private static Node openProtocol(BlockDriverProvider provider, String filename, OpenOptions options)
            throws BlockException {
        BlockDriver driver = provider.open(new ProtocolContext(filename, options));
        return nodeOf(filename, driver, Map.of(), options);
    }

    /** The protocol that a name without further words means. */
    static BlockDriverProvider protocolOf(String filename) throws BlockException {
        if (Filenames.hasProtocol(filename)) {
            String protocol = Filenames.protocol(filename);
            BlockDriverProvider provider = Drivers.find(protocol);
            if (provider == null || provider.kind() != Kind.PROTOCOL) {
                throw new BlockException(Errno.ENOENT, "Unknown protocol '" + protocol + "'");
            }
            return provider;
        }
        return Drivers.get(isDevice(filename) ? "host_device" : "file");
    }

    private static boolean isDevice(String filename) {
        if (!filename.startsWith("/dev/")) {
            return false;
        }
        Path path = LocalFilePolicies.localPath(filename);
        return path != null && Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
    }

    private static Node openFormat(String filename, OpenOptions options, Node file, Ancestor self)
            throws BlockException {
        String format = options.format();
        BlockDriverProvider provider = format == null ? probe(file, options) : Drivers.get(format);
        FormatContext context = new FormatContext(filename, options, file, self, format == null);
        BlockDriver driver = null;
        try {
            driver = provider.open(context);
            return nodeOf(filename, driver, context.children, options);
        } catch (BlockException | RuntimeException e) {
            if (driver != null) {
                Closer.closeAfter(e, driver);
            }
            context.closeOpened(e);
            throw e;
        }
    }

    private static BlockDriverProvider probe(Node file, OpenOptions options) throws BlockException {
        try (AlignedBuffer head = options.pool().acquireReserved(Drivers.PROBE_BYTES)) {
            int length = Drivers.probeLength(file.length());
            file.coReadv(0, length, IoVector.of(head), 0, 0);
            return Drivers.probe(head, length);
        }
    }

    private static Node nodeOf(String filename, BlockDriver driver, Map<String, Node> children, OpenOptions options)
            throws BlockException {
        boolean noFlush = options.cache().noFlush();
        return new Node(filename, driver, children, new Node.Access(options.writable(), noFlush, options.pool()));
    }

    /** One image of the chain that is being opened, and those above it. */
    private record Ancestor(
            @Nullable Ancestor above, @Nullable Object identity) {
        void refuseLoop(String filename) throws BlockException {
            int depth = 0;
            for (Ancestor a = above; a != null; a = a.above) {
                if (identity != null && identity.equals(a.identity)) {
                    throw new BlockException(Errno.ELOOP, "Backing file '" + filename + "' creates an infinite loop.");
                }
                if (++depth > MAX_DEPTH) {
                    throw new BlockException(Errno.ELOOP, "Backing chain is longer than " + MAX_DEPTH + " images");
                }
            }
        }
    }

    /** What a protocol gets: it stands on nothing. */
    private record ProtocolContext(String filename, OpenOptions options) implements OpenContext {
        @Override
        public boolean probed() {
            return false;
        }

        @Override
        public Node file() {
            throw new IllegalStateException("a protocol has no file below it");
        }

        @Override
        public @Nullable Node openBacking(BackingReference reference) {
            throw new IllegalStateException("a protocol has no backing file");
        }

        @Override
        public Node openChild(String role, String name, @Nullable String format) {
            throw new IllegalStateException("a protocol has no children");
        }
    }

    private static final class FormatContext implements OpenContext {
        private final String filename;
        private final OpenOptions options;
        private final Ancestor self;
        private final boolean probed;
        private final Map<String, Node> children = new LinkedHashMap<>();

        FormatContext(String filename, OpenOptions options, Node file, Ancestor self, boolean probed) {
            this.filename = filename;
            this.options = options;
            this.self = self;
            this.probed = probed;
            children.put(Node.FILE, file);
        }

        @Override
        public String filename() {
            return filename;
        }

        @Override
        public OpenOptions options() {
            return options;
        }

        @Override
        public boolean probed() {
            return probed;
        }

        @Override
        public Node file() {
            return Objects.requireNonNull(children.get(Node.FILE));
        }

        @Override
        public @Nullable Node openBacking(BackingReference recorded) throws BlockException {
            if (options.noBacking()) {
                return null;
            }
            boolean overridden = options.backing() != null;
            String name = overridden ? options.backing() : Filenames.combine(filename, recorded.name());
            if (name == null || name.isEmpty()) {
                return null;
            }
            OpenOptions below = options.withWritable(false)
                    .withCheck(false)
                    .withInactive(false)
                    .withBacking(null)
                    .withDriverOptions(Map.of())
                    .withFormat(overridden ? null : recorded.format());
            try {
                if (!overridden) {
                    allow(recorded.name(), name, recorded.format());
                    if (recorded.format() == null) {
                        LOG.info("format of backing file '{}' is not recorded in '{}' and is probed", name, filename);
                    }
                }
                Node backing = open(name, below, self);
                children.put(Node.BACKING, backing);
                return backing;
            } catch (BlockException e) {
                throw new BlockException(e.errno(), "Could not open backing file: " + e.reason(), e);
            }
        }

        @Override
        public Node openChild(String role, String name, @Nullable String format) throws BlockException {
            String full = Filenames.combine(filename, name);
            allow(name, full, format);
            OpenOptions below =
                    options.withBacking(null).withDriverOptions(Map.of()).withFormat(format);
            Node child = open(full, below, self);
            children.put(role, child);
            return child;
        }

        private void allow(String recordedName, String fullName, @Nullable String format) throws BlockException {
            options.implicitOpen().check(ImplicitOpenPolicy.Request.of(filename, recordedName, fullName, format));
        }

        /** Closes what this context opened; the file is the caller's to close. */
        void closeOpened(Exception failure) {
            children.forEach((role, node) -> {
                if (!role.equals(Node.FILE)) {
                    Closer.closeAfter(failure, node);
                }
            });
        }
    }

    private static final class Creation implements CreateContext {
        private final String filename;
        private final OpenOptions options;
        /** A file that could not be made may be somebody's image, and is not ours to delete. */
        private boolean ours;

        Creation(String filename, OpenOptions options) {
            this.filename = filename;
            this.options = options;
        }

        @Override
        public String filename() {
            return filename;
        }

        @Override
        public Node createFile() throws BlockException {
            BlockDriverProvider protocol = protocolOf(filename);
            protocol.create(this, CreateOptions.ofSize(0));
            ours = true;
            return openProtocol(protocol, filename, options.withWritable(true));
        }

        @Override
        public void deleteFile() {
            try {
                Path path = LocalFilePolicies.localPath(filename);
                if (ours && path != null && Files.isRegularFile(path)) {
                    Files.delete(path);
                }
            } catch (IOException e) {
                LOG.warn("unfinished image '{}' could not be deleted: {}", filename, e.toString());
            }
        }

        @Override
        public Node openNamed(String name, @Nullable String format, OpenOptions how) throws BlockException {
            return open(Filenames.combine(filename, name), how.withFormat(format), null);
        }
    }
}
