// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

/**
 * Hears where a node was written: after the driver has done its part, whether it failed or not, and before the request returns.
 *
 * <p>Called by many threads at once, on the request path: it must not throw, nor wait for a request.
 */
public interface WriteObserver {
    /** The content of this range, which may lie past the end, may have changed. */
    void written(long offset, long bytes);

    /** The node has this length now; no request is in flight. */
    void resized(long length);
}
