// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a node is called: a name that opens it again, and where the names lead that are relative to it. Immutable.
 *
 * <p>A short name is enough where nobody has said more about the node than that name tells; else the name is the whole description as
 * {@code json:}. spec: block-layer.md section 5, "Backing open".
 *
 * @param exact the short name, or null if there is none
 * @param description the driver, the options that matter to what the node holds, and the same of each child under its role
 * @param plain whether the short name means this node to whoever opens a file, so that a format on it may go by the same name
 * @param base the file at the bottom in whose directory relative names are, or null
 * @param bottom the driver of the node at the bottom
 */
public record NodeName(
        @Nullable String exact,
        SortedMap<String, Object> description,
        boolean plain,
        @Nullable String base,
        String bottom) {
    /** How names begin that are descriptions. */
    public static final String JSON = "json:";

    /** In place of the name of a child that there shall not be. */
    public static final NodeName NONE = new NodeName(null, Collections.emptySortedMap(), false, null, "");

    /** The name of a node that was built by hand. */
    public static NodeName of(String filename) {
        return new NodeName(filename, sorted(Map.of("filename", filename)), true, filename, "file");
    }

    /**
     * The name of a node that was opened.
     *
     * @param own the options that matter, those of the children left out
     * @param children the names of the nodes below, by role; {@code backing} only if it is not the one that the image records
     */
    public static NodeName of(BlockDriverProvider provider, NodeOptions own, Map<String, NodeName> children) {
        NodeOptions mattering = NodeOptions.NONE;
        SortedMap<String, Object> description = sorted(Map.of("driver", provider.formatName()));
        for (var given : own.asMap().entrySet()) {
            DriverOption option = DriverOption.find(provider.openOptions(), given.getKey());
            if (option != null && !option.hint()) {
                mattering = mattering.with(given.getKey(), given.getValue());
                description.put(given.getKey(), option.typed(given.getValue()));
            }
        }
        children.forEach((role, child) -> description.put(role, child == NONE ? Optional.empty() : child.description));
        String exact = provider.exactFilename(mattering, children);
        String role = provider.baseRole();
        NodeName lower = role == null ? null : children.get(role);
        boolean leaf = provider.kind() == BlockDriverProvider.Kind.PROTOCOL;
        return new NodeName(
                exact,
                description,
                provider.kind() != BlockDriverProvider.Kind.FORMAT,
                leaf ? path(own) : lower == null ? null : lower.base,
                lower == null ? provider.formatName() : lower.bottom);
    }

    private static @Nullable String path(NodeOptions own) {
        String filename = own.get("filename");
        return filename == null ? null : Filenames.withoutProtocol(filename);
    }

    private static SortedMap<String, Object> sorted(Map<String, Object> members) {
        SortedMap<String, Object> sorted = new TreeMap<>(QemuOrder.BY_CHAIN);
        sorted.putAll(members);
        return sorted;
    }

    @Override
    public SortedMap<String, Object> description() {
        return Collections.unmodifiableSortedMap(description);
    }

    /** The name to show and to open the node by. */
    public String filename() {
        return exact != null ? exact : JSON + JsonText.of(description);
    }

    /**
     * The name by which an image on this node opens another that it names: absolute names and those with a protocol as they are, others
     * in the directory of the file (symbolic links in that are not resolved).
     *
     * @throws BlockException EINVAL if there is no such directory
     */
    public String resolve(String name) throws BlockException {
        if (name.isEmpty() || name.startsWith("/") || Filenames.hasProtocol(name)) {
            return name;
        }
        if (base == null) {
            throw new BlockException(Errno.EINVAL, "Cannot generate a base directory for " + bottom + " nodes");
        }
        return Filenames.combine(base, name);
    }
}
