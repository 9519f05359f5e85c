// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.testkit.RequestLog.Kind;
import java.util.function.Predicate;

/**
 * A request as a driver of the test kit sees it on its way down.
 *
 * @param offset where; the new length of a truncation; 0 for a flush
 * @param length how many bytes, 0 for truncations and flushes
 */
public record Request(Kind kind, long offset, long length) {
    /** Requests of this kind. */
    public static Predicate<Request> of(Kind kind) {
        return request -> request.kind == kind;
    }

    /** Requests of this kind that touch {@code [start, end)}. */
    public static Predicate<Request> of(Kind kind, long start, long end) {
        return request -> request.kind == kind && request.offset < end && start < request.offset + request.length;
    }

    /** Whatever changes the file, and flushes. */
    public static Predicate<Request> changesAndFlushes() {
        return request -> request.kind.changes() || request.kind == Kind.FLUSH;
    }

    /** Any request. */
    public static Predicate<Request> any() {
        return request -> true;
    }
}
