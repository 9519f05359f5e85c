// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.BlockDriverProvider.Kind;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.NodeOptions;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A name that stands in an image, and the questions to the {@link ImplicitOpenPolicy} that opening it takes.
 *
 * @param image the file that holds it
 * @param name as it stands there
 */
record RecordedName(String image, String name) {
    /** Options that say how much care a file is opened with, and what an image may say of them. */
    private static final Map<String, List<String>> CAREFUL = Map.of(
            "read-only", List.of("on"),
            "force-share", List.of("off"),
            "locking", List.of("on", "auto"),
            "cache.direct", List.of("off"),
            "cache.no-flush", List.of("off"));

    /**
     * Checks a description that stands in an image, or is named by one: it says where and what a node is. What may be done to it, and
     * who is kept away meanwhile, is for the user to say.
     *
     * @throws BlockException EACCES if it asks for more than the user did
     */
    static void checkDescription(NodeOptions description) throws BlockException {
        for (var given : description.asMap().entrySet()) {
            for (var option : CAREFUL.entrySet()) {
                String name = given.getKey();
                boolean meant = name.equals(option.getKey()) || name.endsWith('.' + option.getKey());
                if (meant && !option.getValue().contains(given.getValue())) {
                    throw new BlockException(
                            Errno.EACCES, "An image may not ask for '" + name + "=" + given.getValue() + "'");
                }
            }
        }
    }

    /** Asks for what the name means by itself. */
    void allow(String fullName, OpenOptions options) throws BlockException {
        ask(ImplicitOpenPolicy.Request.of(image, name, fullName, options.format()), options);
    }

    /** Asks for one node of a description: the files that its options name; a protocol without any is asked for as such. */
    void allow(BlockDriverProvider provider, NodeOptions own, OpenOptions options) throws BlockException {
        boolean asked = false;
        for (var given : own.asMap().entrySet()) {
            DriverOption option = DriverOption.find(provider.openOptions(), given.getKey());
            if (option != null && option.type() == DriverOption.Type.FILE) {
                ask(new ImplicitOpenPolicy.Request(image, name, given.getValue(), path(given.getValue())), options);
                asked = true;
            }
        }
        if (!asked && provider.kind() == Kind.PROTOCOL) {
            ask(new ImplicitOpenPolicy.Request(image, name, provider.formatName() + ":", null), options);
        }
    }

    private static void ask(ImplicitOpenPolicy.Request request, OpenOptions options) throws BlockException {
        options.implicitOpen().check(request);
    }

    private static @Nullable Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            return null;
        }
    }
}
