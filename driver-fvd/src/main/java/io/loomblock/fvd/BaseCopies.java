// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockAction;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What copies from the base image behind the scenes, where the header asks for it: copy-on-read and prefetching.
 *
 * <p>Neither runs on an image that is not ours to write, on one without its base image, nor in offline tools. spec: fvd.md sections 7, 11
 * and 12, E20.
 *
 * @param reads copy-on-read, or null
 * @param prefetcher null where nothing is fetched ahead of time
 */
record BaseCopies(@Nullable CopyOnRead reads, @Nullable Prefetcher prefetcher) {
    static final BaseCopies NONE = new BaseCopies(null, null);

    /**
     * What this image asks for; nothing of it has begun.
     *
     * @param finish what to do when the image has everything
     */
    static BaseCopies of(
            FvdHeader header,
            FvdLayout layout,
            FvdImage.Files files,
            OpenSettings how,
            SoftStore store,
            BlockAction finish) {
        OpenOptions options = how.generic();
        if (!layout.hasBitmap() || !files.base().isOpen() || options.offline()) {
            return NONE;
        }
        CopyOnRead reads = header.copyOnRead()
                ? new CopyOnRead(files.base(), layout, options.pool(), options.timers(), store, header.maxCopyOnRead())
                : null;
        PrefetchSettings settings = header.prefetch();
        Prefetcher prefetcher = settings.startDelay() > 0
                ? new Prefetcher(
                        new PrefetchSteps(
                                settings, layout, files.base(), options.timers(), how.random(), store, finish),
                        options.timers())
                : null;
        return new BaseCopies(reads, prefetcher);
    }

    /** How far prefetching is, in a word. */
    String prefetchState() {
        return prefetcher == null ? "off" : prefetcher.state().name().toLowerCase(Locale.ROOT);
    }

    void begin() {
        if (prefetcher != null) {
            prefetcher.begin();
        }
    }

    /** Nothing goes on behind the scenes when this returns, nor before {@link #resume}; what was stored is kept. */
    void pause() {
        if (prefetcher != null) {
            prefetcher.pause();
        }
        if (reads != null) {
            reads.pause();
        }
    }

    /** The same, and what waits to be stored is forgotten. */
    void stop() {
        if (reads != null) {
            reads.stop();
        }
        pause();
    }

    /** Ends it. */
    void resume() {
        if (reads != null) {
            reads.resume();
        }
        if (prefetcher != null) {
            prefetcher.resume();
        }
    }
}
