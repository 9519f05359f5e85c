// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.Serial;

/** A command was not carried out; the message is the line that the user gets for it on standard output. */
final class CommandRefused extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    CommandRefused(String line) {
        super(line, null, false, false);
    }

    /** The line to print. */
    String line() {
        return String.valueOf(getMessage());
    }
}
