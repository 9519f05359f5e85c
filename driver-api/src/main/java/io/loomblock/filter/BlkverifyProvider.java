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
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code blkverify}, which compares an image with a raw copy of it; as a name {@code blkverify:RAW:IMAGE}.
 *
 * <p>Options: {@code x-raw} and {@code x-image}, the two parts of the name.
 */
public final class BlkverifyProvider implements BlockDriverProvider {
    private static final String RAW = "raw";
    private static final String TEST = "test";
    private static final String PREFIX = "blkverify:";

    @Override
    public String formatName() {
        return "blkverify";
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
        return List.of(RAW, TEST);
    }

    @Override
    public List<DriverOption> openOptions() {
        return List.of(
                DriverOption.file("x-raw", "Name of the raw copy").asHint(),
                DriverOption.file("x-image", "Name of the image under test").asHint());
    }

    @Override
    public NodeOptions parseFilename(String filename) throws BlockException {
        if (!filename.startsWith(PREFIX)) {
            return NodeOptions.NONE.with("x-image", filename);
        }
        String rest = filename.substring(PREFIX.length());
        int colon = rest.indexOf(':');
        if (colon < 0) {
            throw new BlockException(Errno.EINVAL, "blkverify requires raw copy and original image path");
        }
        return NodeOptions.NONE.with("x-raw", rest.substring(0, colon)).with("x-image", rest.substring(colon + 1));
    }

    @Override
    public @Nullable String exactFilename(NodeOptions mattering, Map<String, NodeName> children) {
        NodeName raw = children.get(RAW);
        NodeName test = children.get(TEST);
        if (raw == null || raw.exact() == null || test == null || test.exact() == null) {
            return null;
        }
        return PREFIX + raw.exact() + ":" + test.exact();
    }

    /** The two may lie in different directories. */
    @Override
    public @Nullable String baseRole() {
        return null;
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Node raw = context.openFiltered(RAW, context.values().string("x-raw"));
        Node test = context.openImage(TEST, context.values().string("x-image"));
        return new BlkverifyDriver(raw, test);
    }
}
