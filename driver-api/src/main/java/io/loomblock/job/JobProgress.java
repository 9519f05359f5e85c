// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

/** Hears how far a job has come. Called by one thread at a time, on a thread of the job. */
@FunctionalInterface
public interface JobProgress {
    /** Hears nothing. */
    JobProgress NONE = (done, total) -> {};

    /**
     * {@code done} of {@code total} bytes are done.
     *
     * @param total what the job counts, above 0; may change between calls
     */
    void advanced(long done, long total);
}
