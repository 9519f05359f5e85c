// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;

/** Something to do that gives no result and may fail as requests do: a change of an image, a step of a close, a flush. */
@FunctionalInterface
public interface BlockAction {
    /** Does it, on the thread of whoever was told to. */
    void run() throws BlockException;
}
