// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import java.util.LinkedHashMap;
import java.util.Map;
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
    private final OptionValues values;
    private final ImageOpener opener;
    private final Map<String, Node> children = new LinkedHashMap<>();
    private @Nullable Node file;
    /** The backing file, where that is open already. */
    private @Nullable Node backing;

    private boolean probed;

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
        this.values = OptionValues.of(provider, own);
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
        String reference = given.get(Node.BACKING);
        if (options.noBacking() || (reference != null && reference.isEmpty())) {
            return null;
        }
        if (reference != null) {
            throw ImageOpener.noSuchNode(reference);
        }
        OpenOptions below = ImageOpener.below(options, said)
                .withWritable(false)
                .withReopenable(!options.keepReadOnly())
                .withCheck(false)
                .withInactive(false);
        try {
            Node opened = openBacking(recorded, below);
            if (opened != null) {
                children.put(Node.BACKING, opened);
            }
            return opened;
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open backing file: " + e.reason(), e);
        }
    }

    private @Nullable Node openBacking(BackingReference recorded, OpenOptions below) throws BlockException {
        if (options.backing() != null) {
            return options.backing().isEmpty() ? null : opener.openNode(options.backing(), below);
        }
        if (below.nodeOptions().mentions(Node.FILE) || below.nodeOptions().get("filename") != null) {
            return opener.openNode(null, below);
        }
        String name = Filenames.combine(filename, recorded.name());
        if (name.isEmpty()) {
            return null;
        }
        allow(recorded.name(), name, recorded.format());
        if (recorded.format() == null) {
            LOG.info("format of backing file '{}' is not recorded in '{}' and is probed", name, filename);
        }
        return opener.openNode(name, below.withFormat(recorded.format()));
    }

    @Override
    public Node openChild(String role, String name, @Nullable String format) throws BlockException {
        NodeOptions said = given.below(role);
        OpenOptions below = ImageOpener.below(options, said);
        Node child;
        if (said.mentions(Node.FILE) || said.get("filename") != null) {
            child = opener.openNode(null, below.withFormat(format));
        } else {
            String full = Filenames.combine(filename, name);
            allow(name, full, format);
            child = opener.openNode(full, below.withFormat(format));
        }
        children.put(role, child);
        return child;
    }

    private void allow(String recordedName, String fullName, @Nullable String format) throws BlockException {
        options.implicitOpen().check(ImplicitOpenPolicy.Request.of(filename, recordedName, fullName, format));
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
        String reference = given.get(role);
        if (reference != null) {
            throw ImageOpener.noSuchNode(reference);
        }
        if (name == null && !given.mentions(role)) {
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
