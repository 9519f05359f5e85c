// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.Errno;
import io.loomblock.driver.DebugEvent;
import io.loomblock.filter.FaultRule.InjectError;
import io.loomblock.filter.FaultRule.SetState;
import io.loomblock.filter.FaultRule.Suspend;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The rules of a fault injector, its state, and the errors that wait for a request.
 *
 * <p>An event makes its errors active in place of those of earlier events, if it has any; a request takes the first that is about it.
 * Where no rule is about an event or a request, that costs a volatile read and no lock. Thread-safe. spec: block-layer.md section 8.
 */
final class FaultRules {
    /** What holds now; changed as a whole. */
    private record Situation(List<FaultRule> rules, List<InjectError> active, long state) {
        boolean isAbout(DebugEvent event) {
            for (int i = 0; i < rules.size(); i++) {
                if (rules.get(i).event() == event) {
                    return true;
                }
            }
            return false;
        }

        Situation with(FaultRule rule) {
            List<FaultRule> more = new ArrayList<>(rules);
            more.add(rule);
            return new Situation(List.copyOf(more), active, state);
        }

        Situation without(FaultRule gone) {
            return new Situation(
                    rules.stream().filter(rule -> rule != gone).toList(),
                    active.stream().filter(rule -> rule != gone).toList(),
                    state);
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final SuspendedRequests suspended = new SuspendedRequests();
    private volatile Situation now;

    /** Begins in state 1, with the errors active that need no event. */
    FaultRules(List<FaultRule> rules) {
        now = new Situation(List.copyOf(rules), List.of(), 1);
        reached(DebugEvent.NONE);
    }

    /** The requests that have come to a breakpoint. */
    SuspendedRequests suspended() {
        return suspended;
    }

    void add(FaultRule rule) {
        lock.lock();
        try {
            now = now.with(rule);
        } finally {
            lock.unlock();
        }
    }

    /** Removes the breakpoints of this tag; whether there were any. */
    boolean removeSuspends(String tag) {
        lock.lock();
        try {
            boolean any = false;
            for (FaultRule rule : now.rules) {
                if (rule instanceof Suspend suspend && suspend.tag().equals(tag)) {
                    now = now.without(rule);
                    any = true;
                }
            }
            return any;
        } finally {
            lock.unlock();
        }
    }

    /**
     * An event has come; the places at which the request has to wait. Its breakpoints are gone and it counts as suspended at the same
     * moment, so that whoever removes or resumes a tag finds either the one or the other.
     */
    List<SuspendedRequests.Waiter> reached(DebugEvent event) {
        if (!now.isAbout(event)) {
            return List.of();
        }
        lock.lock();
        try {
            return apply(event);
        } finally {
            lock.unlock();
        }
    }

    private List<SuspendedRequests.Waiter> apply(DebugEvent event) {
        Situation before = now;
        List<InjectError> errors = new ArrayList<>();
        List<Suspend> suspends = new ArrayList<>();
        SetState change = null;
        for (FaultRule rule : before.rules) {
            if (rule.event() != event || !rule.holdsIn(before.state)) {
                continue;
            }
            switch (rule) {
                case InjectError error -> errors.add(error);
                // Of several the first one counts, as in QEMU, which goes through its rules from the last one on.
                case SetState next -> change = change == null ? next : change;
                case Suspend suspend -> suspends.add(suspend);
            }
        }
        now = new Situation(
                before.rules,
                errors.isEmpty() ? before.active : List.copyOf(errors),
                change == null ? before.state : change.newState());
        List<SuspendedRequests.Waiter> waiters = new ArrayList<>();
        for (Suspend suspend : suspends) {
            now = now.without(suspend);
            waiters.add(suspended.register(suspend));
        }
        return waiters;
    }

    /** The error that this request gets, or null; a rule that holds once is used up by it. */
    @Nullable
    Errno fault(RequestKind kind, long start, long bytes) {
        if (now.active.isEmpty()) {
            return null;
        }
        lock.lock();
        try {
            for (InjectError rule : now.active) {
                if (rule.matches(kind, start, bytes)) {
                    if (rule.once() && rule.errno() != null) {
                        now = now.without(rule);
                    }
                    return rule.errno();
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }
}
