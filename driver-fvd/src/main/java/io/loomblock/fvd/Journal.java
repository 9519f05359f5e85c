// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import java.util.List;

/**
 * Makes changes of table and bitmap known to whoever opens the image after a crash, and to lookups in memory. spec: fvd.md sections 6 and
 * 15.
 *
 * <p>Bits are set in memory by a journal only, so that it can keep them as they are while they are written to the file. Thread-safe.
 */
interface Journal {
    /**
     * Logs what a write has stored: its data is in the data area when this is called. When it returns, memory has it, and the file has it,
     * or will have it after {@link #writeOut}.
     *
     * @throws BlockException if it could not be logged: memory has then at most the first sectors
     */
    void log(List<JournalSector> sectors) throws BlockException;

    /**
     * Sets the bits of blocks {@code [first, end)}, which are in the data area, in memory only: a crash forgets them, unless the journal is
     * recycled before.
     *
     * @throws BlockException if metadata had to be written back for that, and was not
     */
    void setUnlogged(long first, long end) throws BlockException;

    /** Writes table and bitmap to the file, durable, and starts the journal anew. */
    void recycle() throws BlockException;

    /**
     * Returns when all that was logged before is written to the file, where a flush makes it durable.
     *
     * @throws BlockException of a write; EINTR if interrupted while another thread writes: what was logged is written all the same
     */
    void writeOut() throws BlockException;

    /** Whether what was logged waits in memory, so that what is known of the image must not be forgotten. */
    default boolean holdsRecords() {
        return false;
    }

    /** No work behind the scenes goes on when this returns, nor begins before {@link #resume}. */
    void pause();

    /** Ends it. */
    void resume();
}
