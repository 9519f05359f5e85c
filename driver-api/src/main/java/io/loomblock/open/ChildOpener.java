// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.BlockDriverProvider.Kind;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeName;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import io.loomblock.memory.AlignedBuffer;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One opening of a node, as its provider sees it: what it was given, and a way to the nodes below, which are collected here.
 *
 * <p>What the options say about a child goes before what the image says; only names inside images are asked of the {@link
 * ImplicitOpenPolicy}.
 */
final class ChildOpener implements OpenContext {
    private static final Logger LOG = LoggerFactory.getLogger(ChildOpener.class);

    private final String filename;
    /** Those of the node, its own and those of its children in names. */
    private final OpenOptions options;

    private final NodeOptions given;
    private final BlockDriverProvider provider;
    private final NodeOptions own;
    private final OptionValues values;
    private final ImageOpener opener;
    private final Map<String, Node> children = new LinkedHashMap<>();
    private @Nullable Node file;
    /** The backing file, where that is open already. */
    private @Nullable Node backing;

    private boolean probed;
    /** The children that anybody finds who opens the image by its name alone. */
    private final Set<String> asRecorded = new HashSet<>();

    private boolean backingSuppressed;

    /** {@code opener} opens what stands below this node. */
    ChildOpener(String filename, OpenOptions options, BlockDriverProvider provider, ImageOpener opener)
            throws BlockException {
        this.filename = filename;
        this.options = options;
        this.given = options.nodeOptions();
        this.opener = opener;
        NodeOptions own = given;
        for (String role : provider.childRoles()) {
            own = own.without(role);
        }
        if (provider.kind() == Kind.FORMAT
                && !provider.supportsBacking()
                && !options.noBacking()
                && given.mentions(Node.BACKING)) {
            throw new BlockException(Errno.EINVAL, "Driver doesn't support backing files");
        }
        this.provider = provider;
        this.own = own;
        this.values = OptionValues.of(provider, own);
    }

    /**
     * Asks the policy for the files that the node's own options name, if that is an image's word.
     *
     * @throws BlockException of the policy
     */
    void allowFiles() throws BlockException {
        RecordedName recorded = opener.recorded();
        if (recorded != null) {
            recorded.allow(provider, own, options);
        }
    }

    /** What the node is called, now that the nodes below are open. */
    NodeName name() {
        Map<String, NodeName> named = new LinkedHashMap<>();
        children.forEach((role, node) -> {
            if (!asRecorded.contains(role)) {
                named.put(role, node.name());
            }
        });
        if (backingSuppressed) {
            named.put(Node.BACKING, NodeName.NONE);
        }
        return NodeName.of(provider, own, named);
    }

    /** The image's file, which is open already; closed by the caller when the opening fails. */
    void standOn(Node node, boolean probedFormat) {
        children.put(Node.FILE, node);
        file = node;
        probed = probedFormat;
    }

    /** The image's backing file, which is open already; closed by the caller when the opening fails. */
    void standOver(Node node) {
        backing = node;
    }

    Map<String, Node> children() {
        return children;
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
    public OptionValues values() {
        return values;
    }

    @Override
    public boolean probed() {
        return probed;
    }

    @Override
    public Node file() {
        Node node = file;
        if (node == null) {
            throw new IllegalStateException("only a format has a file that is open already");
        }
        return node;
    }

    @Override
    public @Nullable Node openBacking(BackingReference recorded) throws BlockException {
        if (backing != null) {
            children.put(Node.BACKING, backing);
            return backing;
        }
        NodeOptions said = given.below(Node.BACKING);
        if (options.noBacking()) {
            return null;
        }
        String reference = given.get(Node.BACKING);
        boolean none = reference != null ? reference.isEmpty() : "".equals(options.backing());
        if (none) {
            backingSuppressed = !recorded.name().isEmpty();
            return null;
        }
        if (recorded.name().isEmpty() && options.backing() == null && !given.mentions(Node.BACKING)) {
            return null;
        }
        // A name that leads nowhere is no failure to open something.
        boolean replaced = reference != null || options.backing() != null || tellsFile(said);
        if (!replaced) {
            file().name().resolve(recorded.name());
        }
        OpenOptions below = ImageOpener.below(options, said)
                .withWritable(false)
                .withReopenable(!options.keepReadOnly())
                .withCheck(false)
                .withInactive(false);
        try {
            ImageOpener.refuseReference(given, Node.BACKING);
            Node opened = replaced
                    ? opener.openNode(options.backing(), below)
                    : openRecorded(Node.BACKING, recorded.name(), below.withFormat(recorded.format()));
            children.put(Node.BACKING, opened);
            if (opened.filename().equals(recorded.name())) {
                asRecorded.add(Node.BACKING);
            }
            return opened;
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open backing file: " + e.reason(), e);
        }
    }

    /** Whether options tell by themselves where a node is. */
    private static boolean tellsFile(NodeOptions said) {
        return said.mentions(Node.FILE) || said.get("filename") != null;
    }

    private Node openRecorded(String role, String name, OpenOptions below) throws BlockException {
        if (below.format() == null && role.equals(Node.BACKING)) {
            LOG.info("format of backing file '{}' is not recorded in '{}' and is probed", name, filename);
        }
        asRecorded.add(role);
        return opener.openRecorded(file().name(), name, below);
    }

    @Override
    public Node openChild(String role, String name, @Nullable String format) throws BlockException {
        NodeOptions said = given.below(role);
        OpenOptions below = ImageOpener.below(options, said);
        OpenOptions how = below.withFormat(format);
        Node child = tellsFile(said) ? opener.openNode(null, how) : openRecorded(role, name, how);
        children.put(role, child);
        return child;
    }

    @Override
    public long lengthOf(String name, @Nullable String format) throws BlockException {
        OpenOptions how = OpenOptions.readOnly()
                .withFormat(format)
                .withForceShare(true)
                .withNoBacking(true)
                .withImplicitOpen(options.implicitOpen())
                .withPool(options.pool());
        try (Node node = ImageOpener.openNamed(file().name(), name, how)) {
            return node.length();
        }
    }

    @Override
    public byte[] readFile(String name, int mostBytes) throws BlockException {
        if (opener.recorded() != null) {
            throw new BlockException(Errno.EACCES, "An image may not name the file of settings '" + name + "'");
        }
        try (Node node = ImageOpener.openToRead(name, options)) {
            long length = node.length();
            if (length > mostBytes) {
                throw new BlockException(Errno.EFBIG, "'" + name + "' is longer than " + mostBytes + " bytes");
            }
            byte[] content = new byte[(int) length];
            if (length > 0) {
                try (AlignedBuffer buffer = options.pool().acquireReserved(content.length)) {
                    node.readFully(0, buffer, content.length);
                    buffer.get(0, content, 0, content.length);
                }
            }
            return content;
        }
    }

    @Override
    public boolean isSameFile(String name, String otherName) {
        return Protocols.isSameFile(name, otherName);
    }

    @Override
    public Node openFiltered(String role, @Nullable String name) throws BlockException {
        return openDescribed(opener, role, name);
    }

    @Override
    public Node openImage(String role, @Nullable String name) throws BlockException {
        return openDescribed(opener.probing(true), role, name);
    }

    private Node openDescribed(ImageOpener how, String role, @Nullable String name) throws BlockException {
        ImageOpener.refuseReference(given, role);
        if (name == null && given.below(role).isEmpty()) {
            throw new BlockException(Errno.EINVAL, "A block device must be specified for \"" + role + "\"");
        }
        Node child = how.openNode(name, ImageOpener.below(options, given.below(role)));
        children.put(role, child);
        return child;
    }

    /** Closes what this context opened; what was open before is the caller's to close. */
    void closeOpened(Exception failure) {
        children.forEach((role, node) -> {
            if (node != file && node != backing) {
                Closer.closeAfter(failure, node);
            }
        });
    }
}
