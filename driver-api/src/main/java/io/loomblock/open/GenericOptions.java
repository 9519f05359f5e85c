// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.DetectZeroes;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.NodeOptions;
import io.loomblock.driver.OptionValues;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The options that every node has, under QEMU's names, and what they change in the options of an opening. spec: block-layer.md section 5. */
public final class GenericOptions {
    private static final String DISCARD = "discard";

    private static final List<DriverOption> ALL = List.of(
            DriverOption.string("driver", "the format, protocol or filter"),
            DriverOption.string("node-name", "a name for the node"),
            DriverOption.bool("read-only", "whether nothing may be written").withDefault("off"),
            DriverOption.bool("auto-read-only", "whether what may not be written is opened read-only")
                    .withDefault("off"),
            DriverOption.bool("force-share", "whether no lock is taken; read-only nodes only")
                    .withDefault("off"),
            DriverOption.choice(DISCARD, "whether discards are passed on", "ignore", "off", "unmap", "on"),
            DriverOption.choice("detect-zeroes", "what becomes of writes of zeros", "off", "on", "unmap")
                    .withDefault("off"),
            DriverOption.bool("cache.direct", "whether the page cache is bypassed")
                    .withDefault("off"),
            DriverOption.bool("cache.no-flush", "whether flushes stop before the disk")
                    .withDefault("off"));

    private GenericOptions() {}

    /** All of them, in the order to list them. */
    public static List<DriverOption> all() {
        return ALL;
    }

    /**
     * Moves these options from the names of {@code options} to where they belong.
     *
     * @throws BlockException EINVAL for values that there are not, or that contradict one another
     */
    static OpenOptions apply(OpenOptions options) throws BlockException {
        OpenOptions result = moved(options);
        checkTogether(result);
        return result;
    }

    /** The same, where it is not these options together that the image is opened with. */
    static OpenOptions moved(OpenOptions options) throws BlockException {
        NodeOptions given = options.nodeOptions();
        Map<String, String> ours = new TreeMap<>();
        NodeOptions rest = given;
        for (DriverOption option : ALL) {
            String value = given.get(option.name());
            if (value != null) {
                ours.put(option.name(), value);
                rest = rest.without(option.name());
            }
        }
        checkDiscard(ours.getOrDefault(DISCARD, "ignore"));
        OptionValues values = OptionValues.of("A node does not", ALL, NodeOptions.of(ours));
        checkNodeName(values.string("node-name", "none"));
        CacheMode cache = options.cache();
        return options.withNodeOptions(rest)
                .withFormat(values.has("driver") ? values.string("driver") : options.format())
                .withWritable(!values.bool("read-only", !options.writable()))
                .withAutoReadOnly(values.bool("auto-read-only", options.autoReadOnly()))
                .withForceShare(values.bool("force-share", options.forceShare()))
                .withUnmap(isUnmap(values.string(DISCARD, options.unmap() ? "unmap" : "ignore")))
                .withDetectZeroes(DetectZeroes.ofName(
                        values.string("detect-zeroes", options.detectZeroes().optionName())))
                .withCache(cache.withDirect(values.bool("cache.direct", cache.direct()))
                        .withNoFlush(values.bool("cache.no-flush", cache.noFlush())));
    }

    private static boolean isUnmap(String discard) {
        return discard.equals("unmap") || discard.equals("on");
    }

    /** QEMU has words of their own for this one. */
    private static void checkDiscard(String discard) throws BlockException {
        DriverOption option = DriverOption.find(ALL, DISCARD);
        if (option == null || !option.choices().contains(discard)) {
            throw new BlockException(Errno.EINVAL, "Invalid discard option");
        }
    }

    private static void checkNodeName(String name) throws BlockException {
        if (!name.matches("[A-Za-z][A-Za-z0-9._-]{0,30}")) {
            throw new BlockException(Errno.EINVAL, "Invalid node-name: '" + name + "'");
        }
    }

    private static void checkTogether(OpenOptions options) throws BlockException {
        if (options.forceShare() && options.writable()) {
            throw new BlockException(Errno.EINVAL, "force-share=on can only be used with read-only images");
        }
        if (options.detectZeroes() == DetectZeroes.UNMAP && !options.unmap()) {
            throw new BlockException(
                    Errno.EINVAL,
                    "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
        }
        if (options.copyOnRead() && !options.writable()) {
            throw new BlockException(Errno.EINVAL, "Can't use copy-on-read on read-only device");
        }
    }
}
