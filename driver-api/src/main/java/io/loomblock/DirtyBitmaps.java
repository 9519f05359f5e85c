// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Node;
import io.loomblock.driver.WriteObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The dirty bitmaps of one device: made, found, removed; the node pays for them while there are any. Thread-safe. */
final class DirtyBitmaps implements WriteObserver {
    private static final long DEFAULT_GRANULARITY = 64 << 10;
    private static final long MIN_DEFAULT_GRANULARITY = 4 << 10;

    private final Node node;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile List<DirtyBitmap> all = List.of();

    DirtyBitmaps(Node node) {
        this.node = node;
    }

    DirtyBitmap create(@Nullable String name, long granularity) throws BlockException {
        requireName(name);
        long exact = granularity == 0 ? defaultGranularity() : granularity;
        if (exact < DirtyBitmap.MIN_GRANULARITY || exact > DirtyBitmap.MAX_GRANULARITY || Long.bitCount(exact) != 1) {
            throw new IllegalArgumentException("Granularity must be power of 2 and at least 512, not " + exact);
        }
        lock.lock();
        try {
            if (name != null && find(name) != null) {
                throw new BlockException(Errno.EEXIST, "Bitmap already exists: " + name);
            }
            DirtyBitmap bitmap = new DirtyBitmap(name, exact, node.length());
            List<DirtyBitmap> more = new ArrayList<>(all);
            more.add(bitmap);
            all = List.copyOf(more);
            node.observeWrites(this);
            return bitmap;
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    DirtyBitmap find(String name) {
        for (DirtyBitmap bitmap : all) {
            if (name.equals(bitmap.name())) {
                return bitmap;
            }
        }
        return null;
    }

    List<DirtyBitmap> all() {
        return all;
    }

    void remove(DirtyBitmap bitmap) throws BlockException {
        lock.lock();
        try {
            List<DirtyBitmap> fewer = new ArrayList<>(all);
            if (!fewer.remove(bitmap)) {
                throw new BlockException(Errno.ENOENT, "Dirty bitmap '" + bitmap.name() + "' not found");
            }
            all = List.copyOf(fewer);
            if (fewer.isEmpty()) {
                node.observeWrites(null);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void written(long offset, long bytes) {
        for (DirtyBitmap bitmap : all) {
            bitmap.written(offset, bytes);
        }
    }

    @Override
    public void resized(long length) {
        for (DirtyBitmap bitmap : all) {
            bitmap.resized(length);
        }
    }

    /** The image's cluster size, so that no bit stands for data that is copied anyway, within reason. */
    private long defaultGranularity() throws BlockException {
        long cluster = node.clusterSize();
        return cluster == 0
                ? DEFAULT_GRANULARITY
                : Math.clamp(Long.highestOneBit(cluster), MIN_DEFAULT_GRANULARITY, DEFAULT_GRANULARITY);
    }

    private static void requireName(@Nullable String name) {
        if (name != null && (name.isEmpty() || name.length() > DirtyBitmap.MAX_NAME)) {
            throw new IllegalArgumentException(
                    name.isEmpty() ? "Bitmap name cannot be empty" : "Bitmap name too long: " + name.length());
        }
    }
}
