// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.ServiceLoader.Provider;
import org.jspecify.annotations.Nullable;

/** The formats and protocols that ServiceLoader finds, by name and by probing. */
public final class Drivers {
    /** How many bytes of a file a probe looks at. */
    public static final int PROBE_BYTES = 2048;

    private static final int SECTOR = 512;

    private Drivers() {}

    /**
     * How many bytes of a file of {@code fileLength} bytes a probe gets: whole sectors, the last one filled up with zeros, so that a file
     * cut off inside its header is still known for what it was.
     */
    public static int probeLength(long fileLength) {
        return fileLength >= PROBE_BYTES ? PROBE_BYTES : (int) (fileLength + SECTOR - 1) & -SECTOR;
    }

    /** All of them, ordered by name. */
    public static List<BlockDriverProvider> all() {
        return Loaded.PROVIDERS;
    }

    /** The format or protocol of this name, or null. */
    public static @Nullable BlockDriverProvider find(String name) {
        for (BlockDriverProvider provider : all()) {
            if (provider.formatName().equals(name)) {
                return provider;
            }
        }
        return null;
    }

    /**
     * The format or protocol of this name.
     *
     * @throws BlockException EINVAL if there is none
     */
    public static BlockDriverProvider get(String name) throws BlockException {
        BlockDriverProvider provider = find(name);
        if (provider == null) {
            throw new BlockException(Errno.EINVAL, "Unknown driver '" + name + "'");
        }
        return provider;
    }

    /**
     * The format that is surest of these first bytes of a file; raw if no other wants it.
     *
     * @param length how many bytes of {@code head} are the file's
     * @throws BlockException ENOENT if not even raw is there
     */
    public static BlockDriverProvider probe(AlignedBuffer head, int length) throws BlockException {
        BlockDriverProvider best = null;
        int bestScore = 0;
        for (BlockDriverProvider provider : all()) {
            int score = provider.kind() == BlockDriverProvider.Kind.FORMAT ? provider.probe(head, length) : 0;
            if (score > bestScore) {
                best = provider;
                bestScore = score;
            }
        }
        if (best == null) {
            throw new BlockException(Errno.ENOENT, "Could not determine image format: No compatible driver found");
        }
        return best;
    }

    private static final class Loaded {
        static final List<BlockDriverProvider> PROVIDERS = load();

        private static List<BlockDriverProvider> load() {
            List<BlockDriverProvider> providers = new ArrayList<>(
                    ServiceLoader.load(BlockDriverProvider.class, Drivers.class.getClassLoader()).stream()
                            .map(Provider::get)
                            .toList());
            providers.sort((a, b) -> a.formatName().compareTo(b.formatName()));
            return List.copyOf(providers);
        }
    }
}
