// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.DetectZeroes;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.BlockDriverProvider.Kind;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeName;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * Turns a name and options into a tree of nodes: a protocol or filter as it is, a format on the file that the name means.
 *
 * <p>Options of a child stand under its role ({@code file.driver}); a name goes down to the file. spec: block-layer.md section 5.
 */
public final class ImageOpener {
    /** How deep nodes may stand on one another; each level costs stack. */
    private static final int MAX_DEPTH = 200;

    /** An opening ends in a format, which is probed where it is not said; but not that of a file, nor of what a filter stands on. */
    private final boolean probing;

    private final @Nullable Ancestor above;

    /** The name inside an image on whose word nodes are opened; null for what the user said. */
    private final @Nullable RecordedName recorded;

    private final int depth;

    /** Shared by all openers of one opening. */
    private final NodeBudget budget;

    private ImageOpener(
            boolean probing, @Nullable Ancestor above, @Nullable RecordedName recorded, int depth, NodeBudget budget) {
        this.probing = probing;
        this.above = above;
        this.recorded = recorded;
        this.depth = depth;
        this.budget = budget;
    }

    /** What every opening begins with. */
    private static ImageOpener top() {
        return new ImageOpener(true, null, null, 0, new NodeBudget());
    }

    /** Opens what a name, the options, or both together describe. */
    public static Node open(@Nullable String filename, OpenOptions options) throws BlockException {
        if (options.snapshot()) {
            OpenOptions meant = meant(filename, options);
            // What is only read needs no overlay.
            if (meant.writable()) {
                return TemporaryOverlay.open(filename, options, meant);
            }
        }
        return top().openNode(filename, options);
    }

    /** What a name and the options say together about the top node. */
    private static OpenOptions meant(@Nullable String filename, OpenOptions options) throws BlockException {
        return GenericOptions.moved(
                filename != null && JsonNames.isJson(filename) ? top().described(filename, options) : options);
    }

    /** Opens what a name means below all formats. */
    static Node openProtocol(@Nullable String filename, OpenOptions options) throws BlockException {
        return top().probing(false).openNode(filename, options.withFormat(null));
    }

    /** Opens a regular file to read it beside whoever uses it. */
    static Node openToRead(String path, OpenOptions options) throws BlockException {
        NodeOptions file = NodeOptions.NONE.with("driver", "file").with("filename", path);
        return openProtocol(
                null,
                OpenOptions.readOnly()
                        .withNodeOptions(file)
                        .withForceShare(true)
                        .withPool(options.pool()));
    }

    /** Opens the format on a node that is there already; the node is owned by the result, and closed when this fails. */
    public static Node openOn(Node file, OpenOptions given) throws BlockException {
        OpenOptions options = GenericOptions.apply(given);
        Ancestor self = new Ancestor(null, file.driver().identity());
        return top().openFormat(file.filename(), options, file, self);
    }

    /** Opens a format on a file, with a backing file that is there already; both are owned by the result. */
    static Node openOver(Node backing, Node file, BlockDriverProvider format, OpenOptions options)
            throws BlockException {
        ChildOpener children = new ChildOpener(file.filename(), options, format, top().below(null));
        children.standOn(file, false);
        children.standOver(backing);
        return build(format, children);
    }

    /** Opens the file that an image records as its backing file, as an image of its own; null if it records none. */
    public static @Nullable Node openRecordedBacking(Node image, OpenOptions options) throws BlockException {
        BackingReference reference = image.driver().backingReference();
        return reference == null
                ? null
                : openNamed(image.name(), reference.name(), options.withFormat(reference.format()));
    }

    /** Opens a file as an image of its own that another image names, or may come to name. */
    static Node openNamed(NodeName image, String name, OpenOptions options) throws BlockException {
        return top().openRecorded(image, name, options);
    }

    /** An opener of what stands below: images that the images {@code self} and above it name. */
    private ImageOpener below(@Nullable Ancestor self) {
        return new ImageOpener(true, self, recorded, depth + 1, budget);
    }

    /** One that differs in how a format that is not said is found. */
    ImageOpener probing(boolean value) {
        return new ImageOpener(value, above, recorded, depth, budget);
    }

    /** Opens a file that an image names, of the format that the options say; the policy is asked. */
    Node openRecorded(NodeName image, String name, OpenOptions options) throws BlockException {
        String full = image.resolve(name);
        RecordedName word = new RecordedName(image.base() == null ? image.filename() : image.base(), name);
        if (JsonNames.isJson(full)) {
            // Every file that the description tells of is asked for when its turn comes.
            return new ImageOpener(probing, above, word, depth, budget).openNode(full, options);
        }
        word.allow(full, options);
        return openNode(full, options);
    }

    @Nullable
    RecordedName recorded() {
        return recorded;
    }

    /** Opens a node; where its options allow it, read-only if it may not be written. */
    Node openNode(@Nullable String filename, OpenOptions given) throws BlockException {
        if (depth > MAX_DEPTH) {
            throw new BlockException(Errno.EINVAL, "Nodes are nested more than " + MAX_DEPTH + " deep");
        }
        budget.take();
        if (filename != null && JsonNames.isJson(filename)) {
            return openNode(null, described(filename, given));
        }
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

    /** What was said besides a description wins over it. */
    private OpenOptions described(String json, OpenOptions given) throws BlockException {
        NodeOptions description = JsonNames.parse(json);
        if (recorded != null) {
            RecordedName.checkDescription(description);
        }
        if (given.format() != null) {
            description = description.without("driver");
        }
        return given.withNodeOptions(description.with(given.nodeOptions()));
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
            return openDirectly(protocol(filename, options.nodeOptions()), filename, options);
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

    private static BlockDriverProvider protocol(@Nullable String filename, NodeOptions given) throws BlockException {
        if (filename != null) {
            return Protocols.of(filename);
        }
        String path = given.get("filename");
        if (path == null) {
            throw new BlockException(Errno.EINVAL, "Must specify either driver or file");
        }
        return Protocols.ofPath(path);
    }

    /** A protocol or a filter. */
    private Node openDirectly(BlockDriverProvider provider, @Nullable String filename, OpenOptions options)
            throws BlockException {
        NodeOptions given = options.nodeOptions();
        String path = given.get("filename");
        if (filename != null && path != null) {
            throw new BlockException(Errno.EINVAL, "Can't specify 'file' and 'filename' options at the same time");
        }
        NodeOptions meant =
                filename == null ? given : provider.parseFilename(filename).with(given);
        path = meant.get("filename");
        String name = filename != null ? filename : path != null ? path : provider.formatName() + ":";
        ChildOpener context = new ChildOpener(
                name, options.withNodeOptions(meant), provider, below(above).probing(false));
        context.allowFiles();
        if (path != null) {
            // Before the file is opened, which its own locks would prevent with another message.
            new Ancestor(above, provider.identity(path)).refuseLoop(path);
        }
        return build(provider, context);
    }

    private Node openFile(@Nullable String filename, OpenOptions options, @Nullable BlockDriverProvider format)
            throws BlockException {
        NodeOptions given = options.nodeOptions();
        refuseReference(given, Node.FILE);
        NodeOptions file = given.below(Node.FILE);
        if (filename == null && file.isEmpty()) {
            throw new BlockException(
                    Errno.EINVAL,
                    format == null
                            ? "Must specify either driver or file"
                            : "A block device must be specified for \"file\"");
        }
        return new ImageOpener(false, above, recorded, depth + 1, budget).openNode(filename, below(options, file));
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
    static void refuseReference(NodeOptions given, String role) throws BlockException {
        String reference = given.get(role);
        if (reference != null && !reference.isEmpty()) {
            throw new BlockException(
                    Errno.EINVAL,
                    given.below(role).isEmpty()
                            ? "Cannot find device='" + reference + "' nor node-name='" + reference + "'"
                            : "Cannot reference an existing block device with additional options or a new filename");
        }
    }

    private Node openFormat(String filename, OpenOptions options, Node file, Ancestor self) throws BlockException {
        if (options.writable() && file.readOnly()) {
            throw new BlockException(Errno.EPERM, "Block node is read-only");
        }
        String format = options.format();
        BlockDriverProvider provider = format == null ? probe(file, options) : Drivers.get(format);
        ChildOpener children = new ChildOpener(filename, options, provider, below(self));
        children.allowFiles();
        children.standOn(file, format == null);
        return build(provider, children);
    }

    private static Node build(BlockDriverProvider provider, ChildOpener context) throws BlockException {
        BlockDriver driver = null;
        try {
            driver = provider.open(context);
            return new Node(context.name(), context.probed(), driver, context.children(), context.options());
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
            // A file may leave memory as it was (null-co does), and this was used before.
            head.fill(0, Drivers.PROBE_BYTES, (byte) 0);
            int length = Drivers.probeLength(file.length());
            file.coReadv(0, length, IoVector.of(head), 0, 0);
            return Drivers.probe(head, length);
        }
    }
}
