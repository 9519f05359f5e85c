// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** Hears of each request that has failed on the disk, before it is reported, ignored or stopped. */
@FunctionalInterface
public interface ErrorListener {
    /**
     * A failure.
     *
     * @param operation what the request asked for
     * @param offset where, in bytes; 0 for a flush
     * @param action what happens with it: report, ignore or stop
     * @param errno how it failed
     */
    record IoError(Operation operation, long offset, ErrorAction action, Errno errno) {
        /** Whether the disk below is full. */
        public boolean noSpace() {
            return errno == Errno.ENOSPC;
        }
    }

    /** Called on the thread of the request, which holds nothing meanwhile; {@link BlockDevice#resume} may be called from here. */
    void failed(IoError error);
}
