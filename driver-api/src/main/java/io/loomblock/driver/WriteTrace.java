// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Where a node was written: the highest byte, and whoever wants to hear of every range. Thread-safe. */
final class WriteTrace {
    private final AtomicLong highest = new AtomicLong();
    private volatile @Nullable WriteObserver observer;

    /** One past the highest byte written, 0 at first. */
    long highest() {
        return highest.get();
    }

    void observe(@Nullable WriteObserver hearing) {
        observer = hearing;
    }

    /** The range may have changed; it counts for the highest byte. */
    void written(long offset, long bytes) {
        long end = offset + bytes;
        if (end > highest.get()) {
            highest.accumulateAndGet(end, Math::max);
        }
        changed(offset, bytes);
    }

    /** The range may have changed. */
    void changed(long offset, long bytes) {
        WriteObserver hearing = observer;
        if (hearing != null) {
            hearing.written(offset, bytes);
        }
    }

    void resized(long length) {
        WriteObserver hearing = observer;
        if (hearing != null) {
            hearing.resized(length);
        }
    }
}
