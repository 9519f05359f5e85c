// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.BlockDriverProvider.Kind;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * Turns a name and options into a tree of nodes: a protocol or filter as it is, a format on the file that the name means.
 *
 * <p>Options of a child stand under its role ({@code file.driver}); a name goes down to the file. spec: block-layer.md section 5.
 */
final class ImageOpener {
    /** Every opening but that of a name's file ends in a format: one that is not said is probed. */
    private final boolean probing;

    private final @Nullable Ancestor above;

    private ImageOpener(boolean probing, @Nullable Ancestor above) {
        this.probing = probing;
        this.above = above;
    }

    /** Opens what a name, the options, or both together describe. */
    static Node open(@Nullable String filename, OpenOptions options) throws BlockException {
        return options.snapshot()
                ? TemporaryOverlay.open(filename, options)
                : image(null).openNode(filename, options);
    }

    /** Opens what a name means below all formats. */
    static Node openProtocol(@Nullable String filename, OpenOptions options) throws BlockException {
        return new ImageOpener(false, null).openNode(filename, options.withFormat(null));
    }

    /** Opens the format on a node that is there already; the node is owned by the result, and closed when this fails. */
    static Node openOn(Node file, OpenOptions given) throws BlockException {
        OpenOptions options = GenericOptions.apply(given);
        Ancestor self = new Ancestor(null, file.driver().identity());
        return image(null).openFormat(file.filename(), options, file, self);
    }

    /** Opens a format on a file, with a backing file that is there already; both are owned by the result. */
    static Node openOver(Node backing, Node file, BlockDriverProvider format, OpenOptions options)
            throws BlockException {
        ChildOpener children = new ChildOpener(file.filename(), options, format, image(null));
        children.standOn(file, false);
        children.standOver(backing);
        return build(format, children);
    }

    /** An opener of images that the images {@code above} name. */
    static ImageOpener image(@Nullable Ancestor above) {
        return new ImageOpener(true, above);
    }

    /** One that differs in how a format that is not said is found. */
    ImageOpener probing(boolean value) {
        return new ImageOpener(value, above);
    }

    boolean isProbing() {
        return probing;
    }

    @Nullable
    Ancestor above() {
        return above;
    }

    /** Opens a node; where its options allow it, read-only if it may not be written. */
    Node openNode(@Nullable String filename, OpenOptions given) throws BlockException {
        OpenOptions options = GenericOptions.apply(given);
        try {
            return open(filename, options, named(options.format()));
        } catch (BlockException e) {
            boolean forbidden =
                    switch (e.errno()) {
                        case EACCES, EPERM, EROFS -> true;
                        default -> false;
                    };
            if (!options.autoReadOnly() || !options.writable() || !forbidden) {
                throw e;
            }
            return open(filename, options.withWritable(false), named(options.format()));
        }
    }

    private static @Nullable BlockDriverProvider named(@Nullable String driver) throws BlockException {
        return driver == null ? null : Drivers.get(driver);
    }

    private Node open(@Nullable String filename, OpenOptions options, @Nullable BlockDriverProvider named)
            throws BlockException {
        if (named != null && named.kind() != Kind.FORMAT) {
            return openDirectly(named, filename, options);
        }
        if (named == null && !probing) {
            return openDirectly(filename == null ? Drivers.get("file") : Protocols.of(filename), filename, options);
        }
        Node file = openFile(filename, options, named);
        try {
            Ancestor self = new Ancestor(above, file.driver().identity());
            self.refuseLoop(file.filename());
            return openFormat(filename == null ? file.filename() : filename, options, file, self);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, file);
            throw e;
        }
    }

    /** A protocol or a filter. */
    private Node openDirectly(BlockDriverProvider provider, @Nullable String filename, OpenOptions options)
            throws BlockException {
        NodeOptions given = options.nodeOptions();
        NodeOptions meant =
                filename == null ? given : provider.parseFilename(filename).with(given);
        String path = meant.get("filename");
        if (path != null) {
            // Before the file is opened, which its own locks would prevent with another message.
            new Ancestor(above, provider.identity(path)).refuseLoop(path);
        }
        String name = filename != null ? filename : path != null ? path : provider.formatName() + ":";
        return build(provider, new ChildOpener(name, options.withNodeOptions(meant), provider, this));
    }

    private Node openFile(@Nullable String filename, OpenOptions options, @Nullable BlockDriverProvider format)
            throws BlockException {
        NodeOptions given = options.nodeOptions();
        String reference = given.get(Node.FILE);
        if (reference != null) {
            throw noSuchNode(reference);
        }
        if (filename == null && !given.mentions(Node.FILE)) {
            throw new BlockException(
                    Errno.EINVAL,
                    format == null
                            ? "Must specify either driver or file"
                            : "A block device must be specified for \"file\"");
        }
        return probing(false).openNode(filename, below(options, given.below(Node.FILE)));
    }

    /** What the nodes below inherit: access and cache mode, but nothing that is done to requests on their way. */
    static OpenOptions below(OpenOptions options, NodeOptions child) {
        return options.withNodeOptions(child)
                .withFormat(null)
                .withBacking(null)
                .withDetectZeroes(DetectZeroes.OFF)
                .withCopyOnRead(false)
                .withSnapshot(false);
    }

    /** Nodes are built as trees, so that there are none to refer to by name. */
    static BlockException noSuchNode(String reference) {
        return new BlockException(
                Errno.EINVAL, "Cannot find device='" + reference + "' nor node-name='" + reference + "'");
    }

    private Node openFormat(String filename, OpenOptions options, Node file, Ancestor self) throws BlockException {
        String format = options.format();
        BlockDriverProvider provider = format == null ? probe(file, options) : Drivers.get(format);
        ChildOpener children = new ChildOpener(filename, options, provider, image(self));
        children.standOn(file, format == null);
        return build(provider, children);
    }

    private static Node build(BlockDriverProvider provider, ChildOpener context) throws BlockException {
        BlockDriver driver = null;
        try {
            driver = provider.open(context);
            return new Node(context.filename(), driver, context.children(), context.options());
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
}
