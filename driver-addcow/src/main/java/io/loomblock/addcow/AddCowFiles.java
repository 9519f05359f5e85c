// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;

/**
 * The two files of an open image. Both hear of a step just before it is taken: a fault may be wanted in either. spec: addcow.md sections 1 and
 * 11, "debug events".
 *
 * @param file with header and bitmap
 * @param data with the guest's data
 */
record AddCowFiles(Node file, Node data) {
    void announce(DebugEvent step) throws BlockException {
        file.debugEvent(step);
        data.debugEvent(step);
    }
}
