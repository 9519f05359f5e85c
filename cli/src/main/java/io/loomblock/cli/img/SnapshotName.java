// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.Console;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;

/** The argument of {@code convert -l}, which names an internal snapshot: none of our formats has any, but the text is checked. */
final class SnapshotName {
    private SnapshotName() {}

    /** Returns the text if it is well formed: a name, or {@code snapshot.id=…,snapshot.name=…}. */
    static String check(String text, Console console) throws ToolException {
        if (text.startsWith("snapshot.")) {
            for (OptionList.Entry entry : OptionList.split(text)) {
                if (!entry.name().equals("snapshot.id") && !entry.name().equals("snapshot.name")) {
                    console.error("Invalid parameter '" + entry.name() + "'");
                    throw ToolException.failure("Failed in parsing snapshot param '" + text + "'");
                }
            }
        }
        return text;
    }
}
