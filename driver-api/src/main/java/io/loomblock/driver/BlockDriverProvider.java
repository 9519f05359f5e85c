// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A format or protocol that images can be of: stateless, found by ServiceLoader. */
public interface BlockDriverProvider {
    /** What a provider's drivers stand on. */
    enum Kind {
        /** On a file node. */
        FORMAT,
        /** On nothing: the bytes really live here. */
        PROTOCOL,
        /** On other nodes of any kind, which its options describe. */
        FILTER
    }

    /** The name on command lines and in images: qed, raw, file, … */
    String formatName();

    Kind kind();

    /** Whether names may begin with this one and a colon. */
    default boolean isProtocol() {
        return kind() == Kind.PROTOCOL;
    }

    /**
     * How sure this format is that an image is of its kind: 0 not at all, 100 certainly; raw says 1.
     *
     * @param head the first bytes of the file
     * @param length how many of them there are
     */
    default int probe(AlignedBuffer head, int length) {
        return 0;
    }

    /** The options that {@link #create} takes, in the order to list them. */
    default List<DriverOption> createOptions() {
        return List.of();
    }

    /** The settings of images that {@link BlockDriver#amend} changes, in the order to list them; none if it changes none. */
    default List<DriverOption> amendOptions() {
        return List.of();
    }

    /** The options that {@link #open} takes, in the order to list them; those of all nodes and of children are not among them. */
    default List<DriverOption> openOptions() {
        return List.of();
    }

    /** The roles of the nodes below that options may describe, as in {@code file.filename}. */
    default List<String> childRoles() {
        return switch (kind()) {
            case FORMAT -> supportsBacking() ? List.of(Node.FILE, Node.BACKING) : List.of(Node.FILE);
            case PROTOCOL -> List.of();
            case FILTER -> List.of(Node.FILE);
        };
    }

    /**
     * The options that a name means, {@code filename} being the usual one. Asked of protocols, and of filters that {@linkplain
     * #isProtocol may be named by a prefix}, as in {@code file:disk.img}.
     *
     * @param filename with the prefix, if it was written with it
     * @throws BlockException EINVAL if it does not mean anything
     */
    default NodeOptions parseFilename(String filename) throws BlockException {
        String prefix = formatName() + ':';
        return NodeOptions.NONE.with(
                "filename",
                filename.startsWith(prefix)
                        ? Filenames.withoutProtocol(filename.substring(prefix.length()))
                        : filename);
    }

    /**
     * The short name by which a node can be opened again; null if there is none, so that it takes the whole description.
     *
     * @param mattering the node's own options but for hints
     * @param children the names of the nodes below by role, without those that the image names itself
     */
    default @Nullable String exactFilename(NodeOptions mattering, Map<String, NodeName> children) {
        return switch (kind()) {
            case FORMAT -> {
                NodeName file = children.get(Node.FILE);
                boolean alone = mattering.isEmpty() && children.size() == 1;
                yield alone && file != null && file.plain() ? file.exact() : null;
            }
            case PROTOCOL -> {
                String path = mattering.get("filename");
                boolean alone = mattering.without("filename").isEmpty();
                yield alone && path != null ? Filenames.withoutProtocol(path) : null;
            }
            case FILTER -> null;
        };
    }

    /** The role of the child in whose directory relative names of an image are that stands on a node of this provider; null if there is none. */
    default @Nullable String baseRole() {
        return childRoles().contains(Node.FILE) ? Node.FILE : null;
    }

    /** Whether images may have a backing file. */
    default boolean supportsBacking() {
        return false;
    }

    /** Makes a new image; when it fails, nothing usable stays behind. */
    default void create(CreateContext context, CreateOptions options) throws BlockException {
        throw new BlockException(Errno.ENOTSUP, "Format driver '" + formatName() + "' does not support image creation");
    }

    /**
     * What {@link BlockDriver#identity} would be after opening this name, found without opening it; null if that cannot be told.
     * Protocols only.
     */
    default @Nullable Object identity(String filename) {
        return null;
    }

    /** Opens an image. The children opened through the context belong to the driver's node once this returns. */
    BlockDriver open(OpenContext context) throws BlockException;
}
