// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;

/** Tells both files of a step just before it is taken: a fault may be wanted in either. spec: addcow.md section 11, "debug events". */
record Steps(Node file, Node data) {
    void announce(DebugEvent step) throws BlockException {
        file.debugEvent(step);
        data.debugEvent(step);
    }
}
