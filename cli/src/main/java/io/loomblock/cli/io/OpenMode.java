// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.CacheMode;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The options that the command line, {@code open} and {@code reopen} have for opening an image, being gathered. */
final class OpenMode {
    /** Why an option can't be had; the message is for standard error, after the name of the program. */
    static final class Refused extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message, null, false, false);
        }
    }

    private @Nullable String format;
    private boolean readOnly;
    private boolean forceShare;
    private boolean unmap = true;
    private CacheMode cache = CacheMode.WRITETHROUGH;
    private boolean copyOnRead;
    private boolean snapshot;
    private NodeOptions nodeOptions = NodeOptions.NONE;

    void format(String name) {
        format = name;
    }

    boolean hasFormat() {
        return format != null;
    }

    NodeOptions nodeOptions() {
        return nodeOptions;
    }

    void nodeOptions(NodeOptions options) {
        nodeOptions = options;
    }

    /**
     * Takes one of the letters that the command line and {@code open} share: C, d, i, k, n, r, s, t, U.
     *
     * @throws Refused for a value that there is not, and for what is not supported
     */
    void option(char option, String value) throws Refused {
        switch (option) {
            case 'C' -> copyOnRead = true;
            case 'd' -> unmap = unmap(value);
            case 'i' -> checkAio(value);
            case 'k' -> {
                // One engine serves every mode.
            }
            case 'n' -> cache = CacheMode.NONE;
            case 'r' -> readOnly = true;
            case 's' -> snapshot = true;
            case 't' -> cache = cache(value);
            case 'U' -> forceShare = true;
            default -> throw new IllegalArgumentException("option " + option);
        }
    }

    /** What was gathered. */
    OpenOptions build() {
        return OpenOptions.readOnly()
                .withWritable(!readOnly)
                .withFormat(format)
                .withCache(cache)
                .withUnmap(unmap)
                .withForceShare(forceShare)
                .withCopyOnRead(copyOnRead)
                .withSnapshot(snapshot)
                .withReopenable(true)
                .withOffline(true)
                .withNodeOptions(nodeOptions)
                .withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
    }

    static CacheMode cache(String name) throws Refused {
        try {
            return CacheMode.ofName(name);
        } catch (IllegalArgumentException e) {
            throw new Refused("Invalid cache option: " + name);
        }
    }

    private static boolean unmap(String mode) throws Refused {
        return switch (mode) {
            case "on", "unmap" -> true;
            case "off", "ignore" -> false;
            default -> throw new Refused("Invalid discard option: " + mode);
        };
    }

    private static void checkAio(String mode) throws Refused {
        if (!mode.equals("threads") && !mode.equals("native") && !mode.equals("io_uring")) {
            throw new Refused("Invalid aio option: " + mode);
        }
    }
}
