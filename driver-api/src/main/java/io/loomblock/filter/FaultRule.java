// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What shall happen when an event comes while the injector is in a state: an error, another state, or a halt. Rules are told apart by identity. */
abstract sealed class FaultRule {
    private final DebugEvent event;
    private final long state;

    private FaultRule(DebugEvent event, long state) {
        this.event = event;
        this.state = state;
    }

    final DebugEvent event() {
        return event;
    }

    /** Whether the rule holds in this state; 0 as the rule's own means any. */
    final boolean holdsIn(long current) {
        return state == 0 || state == current;
    }

    /** Requests that come after the event fail. */
    static final class InjectError extends FaultRule {
        /** Matches wherever a request is, and flushes too. */
        static final long ANYWHERE = -1;

        private final @Nullable Errno errno;
        private final long offset;
        private final boolean once;
        private final Set<RequestKind> kinds;

        /**
         * A rule for requests.
         *
         * @param errno how they fail; null if they do not, which shields them from other rules
         * @param offset the byte that they must touch, or {@link #ANYWHERE}
         * @param once whether the rule is gone after the first
         */
        InjectError(
                DebugEvent event,
                long state,
                @Nullable Errno errno,
                long offset,
                boolean once,
                Set<RequestKind> kinds) {
            super(event, state);
            this.errno = errno;
            this.offset = offset;
            this.once = once;
            this.kinds = kinds;
        }

        @Nullable
        Errno errno() {
            return errno;
        }

        boolean once() {
            return once;
        }

        boolean matches(RequestKind kind, long start, long bytes) {
            return kinds.contains(kind) && (offset == ANYWHERE || (offset >= start && offset - start < bytes));
        }
    }

    /** The state changes, after all rules of the event have been looked at. */
    static final class SetState extends FaultRule {
        private final long newState;

        SetState(DebugEvent event, long state, long newState) {
            super(event, state);
            this.newState = newState;
        }

        long newState() {
            return newState;
        }
    }

    /** The request waits at the event. */
    static final class Suspend extends FaultRule {
        private final String tag;
        private final Runnable whenSuspended;

        Suspend(DebugEvent event, String tag, Runnable whenSuspended) {
            super(event, 0);
            this.tag = tag;
            this.whenSuspended = whenSuspended;
        }

        String tag() {
            return tag;
        }

        Runnable whenSuspended() {
            return whenSuspended;
        }
    }
}
