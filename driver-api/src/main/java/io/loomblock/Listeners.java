// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Those who hear of something; one that throws keeps neither the others nor the caller from going on. Thread-safe. */
final class Listeners<L> {
    private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);

    /** Each with a place of its own, so that one listener may be registered twice. */
    private record Entry<L>(L listener, Object place) {}

    private final List<Entry<L>> all = new CopyOnWriteArrayList<>();

    Registration add(L listener) {
        Entry<L> entry = new Entry<>(listener, new Object());
        all.add(entry);
        return () -> all.remove(entry);
    }

    void forEach(Consumer<L> call) {
        for (Entry<L> entry : all) {
            try {
                call.accept(entry.listener);
            } catch (RuntimeException e) {
                LOG.warn("a listener of a device failed", e);
            }
        }
    }
}
