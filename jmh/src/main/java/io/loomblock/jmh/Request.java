// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockException;
import io.loomblock.memory.IoVector;

/** A read or a write of a device. */
@FunctionalInterface
interface Request {
    void make(long offset, IoVector memory) throws BlockException;
}
