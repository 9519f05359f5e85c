// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The fault injector in front of a driver of the test's own; opened files get it by name. */
public final class Blkdebug {
    private static final String IMAGE = "image";

    private Blkdebug() {}

    /**
     * A node that injects faults.
     *
     * @param rules names and values in turn, as in {@code inject-error.0.event}, {@code l2_load}
     */
    public static Node on(String filename, BlockDriver below, OpenOptions options, String... rules)
            throws BlockException {
        Map<String, String> values = new TreeMap<>();
        for (int i = 0; i < rules.length; i += 2) {
            values.put(rules[i], rules[i + 1]);
        }
        BlockDriverProvider provider = Drivers.get("blkdebug");
        OptionValues checked = OptionValues.of(provider, NodeOptions.of(values));
        Node image = TestImages.node(filename, below, options);
        BlockDriver driver = provider.open(new Given(filename, options, checked, image));
        return new Node(filename, driver, Map.of(IMAGE, image), options);
    }

    private record Given(String filename, OpenOptions options, OptionValues values, Node image) implements OpenContext {
        @Override
        public boolean probed() {
            return false;
        }

        @Override
        public Node file() {
            throw new IllegalStateException("a filter has no file");
        }

        @Override
        public Node openBacking(BackingReference reference) {
            throw new IllegalStateException("a filter has no backing file");
        }

        @Override
        public Node openChild(String role, String name, @Nullable String format) {
            throw new IllegalStateException("a filter names no file");
        }

        @Override
        public Node openFiltered(String role, @Nullable String name) {
            return image;
        }

        @Override
        public Node openImage(String role, @Nullable String name) {
            return image;
        }
    }
}
