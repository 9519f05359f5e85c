// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;

/**
 * Overwrites all sectors of a journal with zeros, so that nothing of it is ever replayed: required before a bit is cleared, a chunk moved or
 * freed, or the size changed. spec: fvd.md section 16.7, "Erase the journal".
 */
final class JournalErasure {
    private JournalErasure() {}

    /** Erases the journal, if there is one; what it says is in bitmap and table, durable, when this is called. The flush is the caller's. */
    static void run(Node file, FvdHeader header) throws BlockException {
        Area journal = header.journal();
        if (header.usesJournal()) {
            file.debugEvent(DebugEvent.JOURNAL_WRITE);
            file.coWriteZeroes(journal.offset(), journal.size(), 0);
        }
    }
}
