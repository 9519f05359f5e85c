// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeName;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OpenContext;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code blkdebug}, which injects faults; as a name {@code blkdebug:CONFIG:IMAGE}, where CONFIG may be empty.
 *
 * <p>Options: {@code config} and {@code x-image}, the two parts of the name; {@code align}, {@code max-transfer}, {@code opt-write-zero},
 * {@code max-write-zero}, {@code opt-discard}, {@code max-discard}, the limits to have; rules in lists: {@code inject-error.*.event},
 * {@code inject-error.*.state}, {@code inject-error.*.iotype}, {@code inject-error.*.errno}, {@code inject-error.*.sector}, {@code
 * inject-error.*.once}, {@code inject-error.*.immediately}, {@code set-state.*.event}, {@code set-state.*.state}, {@code
 * set-state.*.new_state}.
 */
public final class BlkdebugProvider implements BlockDriverProvider {
    private static final String IMAGE = "image";
    private static final String PREFIX = "blkdebug:";
    /** Rules are written by hand. */
    private static final int MOST_CONFIG = 1 << 20;

    @Override
    public String formatName() {
        return "blkdebug";
    }

    @Override
    public Kind kind() {
        return Kind.FILTER;
    }

    @Override
    public boolean isProtocol() {
        return true;
    }

    @Override
    public List<String> childRoles() {
        return List.of(IMAGE);
    }

    @Override
    public List<DriverOption> openOptions() {
        return Stream.of(
                        List.of(
                                DriverOption.file("config", "Path to the configuration file"),
                                DriverOption.file("x-image", "Name of the node below")
                                        .asHint()),
                        LimitOverrides.OPTIONS,
                        FaultRuleReader.options())
                .flatMap(List::stream)
                .toList();
    }

    @Override
    public NodeOptions parseFilename(String filename) throws BlockException {
        if (!filename.startsWith(PREFIX)) {
            return NodeOptions.NONE.with("x-image", filename);
        }
        String rest = filename.substring(PREFIX.length());
        int colon = rest.indexOf(':');
        if (colon < 0) {
            throw new BlockException(Errno.EINVAL, "blkdebug requires both config file and image path");
        }
        NodeOptions image = NodeOptions.NONE.with("x-image", rest.substring(colon + 1));
        return colon == 0 ? image : image.with("config", rest.substring(0, colon));
    }

    @Override
    public @Nullable String exactFilename(NodeOptions mattering, Map<String, NodeName> children) {
        NodeName image = children.get(IMAGE);
        if (image == null
                || image.exact() == null
                || !mattering.without("config").isEmpty()) {
            return null;
        }
        String config = mattering.get("config");
        return PREFIX + (config == null ? "" : config) + ":" + image.exact();
    }

    @Override
    public String baseRole() {
        return IMAGE;
    }

    /** The text of the configuration file; null if there is none. */
    private static @Nullable String config(OpenContext context) throws BlockException {
        String name = context.values().string("config", "");
        if (name.isEmpty()) {
            return null;
        }
        try {
            return new String(context.readFile(name, MOST_CONFIG), StandardCharsets.ISO_8859_1);
        } catch (BlockException e) {
            String reason =
                    switch (e.errno()) {
                        case ENOENT, EACCES -> e.errno().text();
                        default -> e.reason();
                    };
            throw new BlockException(e.errno(), "Could not read blkdebug config file: " + reason, e);
        }
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        List<FaultRule> rules = FaultRuleReader.read(config(context), context.values());
        Node below = context.openFiltered(IMAGE, context.values().string("x-image"));
        LimitOverrides overrides = LimitOverrides.of(context.values(), below.limits());
        return new BlkdebugDriver(below, new FaultRules(rules), overrides);
    }
}
