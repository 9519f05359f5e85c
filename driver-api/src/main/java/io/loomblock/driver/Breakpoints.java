// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import org.jspecify.annotations.Nullable;

/**
 * Holds requests at named points until they are told to go on, so that tests can bring about any order of events.
 *
 * <p>A breakpoint holds the first request that passes its event and is gone then; further requests pass. A request that is held is in
 * flight: a drained section or a close that it belongs to waits until it was resumed, and resumes nothing itself. Implemented by drivers that
 * inject faults; thread-safe. spec: block-layer.md section 8.
 */
public interface Breakpoints {
    /** That of a node, or of the first one below it that has breakpoints; null if there is none. Backing files do not count. */
    static @Nullable Breakpoints of(Node node) {
        for (Node at = node; at != null; at = at.primary()) {
            if (at.driver() instanceof Breakpoints found) {
                return found;
            }
        }
        return null;
    }

    /**
     * Sets a breakpoint: the next request that passes {@code event} waits there until it is resumed, interrupted or not.
     *
     * @param whenSuspended called by that request before it waits; must not throw
     */
    void suspendAt(DebugEvent event, String tag, Runnable whenSuspended);

    /** Whether a request waits at a breakpoint of this tag. */
    boolean isSuspended(String tag);

    /**
     * Returns when a request waits at a breakpoint of this tag; at once if one does already.
     *
     * @throws BlockException EINTR if interrupted meanwhile; the flag stays set
     */
    void awaitSuspended(String tag) throws BlockException;

    /** Lets the request that waits under this tag go on, the last one first where there are several; false if there is none. */
    boolean resume(String tag);

    /** Removes the breakpoints of this tag that nobody has come to, and lets all that wait go on; false if there were neither. */
    boolean remove(String tag);
}
