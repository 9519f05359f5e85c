// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.HashMap;
import java.util.Map;

/**
 * One bit for each cluster of a file, in memory only where bits are set: a sparse file of any length costs what its tables really name.
 */
final class ClusterMarks {
    private static final int PAGE_BITS = 1 << 16;

    private final Map<Long, long[]> pages = new HashMap<>();
    private final long maxPages;
    private long marked;

    /** Marks that take at most {@code maxBytes} bytes of memory. */
    ClusterMarks(long maxBytes) {
        this.maxPages = Math.max(1, maxBytes / (PAGE_BITS / Byte.SIZE));
    }

    /**
     * Marks a cluster.
     *
     * @return false if it was marked before
     * @throws BlockException ENOMEM if that would take more memory than allowed
     */
    boolean mark(long cluster) throws BlockException {
        long[] page = pages.get(cluster / PAGE_BITS);
        if (page == null) {
            if (pages.size() >= maxPages) {
                throw new BlockException(Errno.ENOMEM, "The image has too many clusters to be checked in memory");
            }
            page = new long[PAGE_BITS / Long.SIZE];
            pages.put(cluster / PAGE_BITS, page);
        }
        int word = (int) (cluster % PAGE_BITS) / Long.SIZE;
        long bit = 1L << cluster;
        if ((page[word] & bit) != 0) {
            return false;
        }
        page[word] |= bit;
        marked++;
        return true;
    }

    /** How many clusters are marked. */
    long marked() {
        return marked;
    }
}
