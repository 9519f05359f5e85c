// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;

/**
 * How long a file is for add-cow: in whole sectors, rounded down, where a raw image rounds up. spec: addcow.md sections 1 and 8.
 *
 * <p>The length is asked for each time (R1).
 */
final class WholeSectors {
    private final Node measured;

    private WholeSectors(Node measured) {
        this.measured = measured;
    }

    static WholeSectors of(Node node) {
        Node file = node.child(Node.FILE);
        boolean raw = node.driver().formatName().equals("raw");
        return new WholeSectors(raw && file != null ? file : node);
    }

    /** Length in bytes, a multiple of a sector. */
    long length() throws BlockException {
        return measured.length() & -AddCowLayout.SECTOR;
    }

    /** Whether there is part of a sector after them. */
    boolean isOdd() throws BlockException {
        return measured.length() != length();
    }
}
