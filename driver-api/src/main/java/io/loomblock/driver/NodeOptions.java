// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was said about a node and the nodes below it, as a flat map of dotted names: {@code driver}, {@code file.filename}, {@code
 * backing.file.cache.direct}, …
 *
 * <p>{@code json:} names, {@code --image-opts} and {@code -o} all come down to this. Immutable. spec: block-layer.md section 5, "Open
 * flags".
 */
public final class NodeOptions {
    /** Nothing was said. */
    public static final NodeOptions NONE = new NodeOptions(new TreeMap<>());

    private final TreeMap<String, String> values;

    private NodeOptions(TreeMap<String, String> values) {
        this.values = values;
    }

    /** The options of these dotted names. */
    public static NodeOptions of(Map<String, String> values) {
        return values.isEmpty() ? NONE : new NodeOptions(new TreeMap<>(values));
    }

    public boolean isEmpty() {
        return values.isEmpty();
    }

    /** The text of this option, or null. */
    public @Nullable String get(String name) {
        return values.get(name);
    }

    /** Whether anything is said about the child in this role: that it is another node ({@code backing=…}), or one of its options. */
    public boolean mentions(String role) {
        return values.containsKey(role) || !withPrefix(role + '.').isEmpty();
    }

    /** What is said about the child in this role, in names of its own. */
    public NodeOptions below(String role) {
        String prefix = role + '.';
        TreeMap<String, String> inner = new TreeMap<>();
        withPrefix(prefix).forEach((name, value) -> inner.put(name.substring(prefix.length()), value));
        return of(inner);
    }

    /** The elements of a list: what is said under {@code name.0}, {@code name.1} and so on, up to the first that is not there. */
    public List<NodeOptions> list(String name) {
        List<NodeOptions> elements = new ArrayList<>();
        NodeOptions all = below(name);
        for (NodeOptions element = all.below("0"); !element.isEmpty(); element = all.below("" + elements.size())) {
            elements.add(element);
        }
        return elements;
    }

    /** The same and this option. */
    public NodeOptions with(String name, String value) {
        TreeMap<String, String> copy = new TreeMap<>(values);
        copy.put(name, value);
        return new NodeOptions(copy);
    }

    /** The same and all of these, which replace what has the same name. */
    public NodeOptions with(NodeOptions others) {
        TreeMap<String, String> copy = new TreeMap<>(values);
        copy.putAll(others.values);
        return of(copy);
    }

    /** The same without this option, and without what is said about a child of this name. */
    public NodeOptions without(String name) {
        TreeMap<String, String> copy = new TreeMap<>(values);
        copy.remove(name);
        copy.keySet().removeIf(key -> key.startsWith(name + '.'));
        return of(copy);
    }

    /** All of them by dotted name, in the order of the names. */
    public SortedMap<String, String> asMap() {
        return Collections.unmodifiableSortedMap(values);
    }

    private Map<String, String> withPrefix(String prefix) {
        // The first text that is after all that begin with the prefix ends in the character after its dot.
        return values.subMap(prefix, prefix.substring(0, prefix.length() - 1) + '/');
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof NodeOptions options && options.values.equals(values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
