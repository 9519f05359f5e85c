// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** What a device does with a request that has failed. spec: block-layer.md section 7. */
public enum ErrorAction {
    /** The caller gets the error. */
    REPORT,
    /** The caller is told that all went well; what a read has left in its buffer is undefined. */
    IGNORE,
    /** The request waits for {@link BlockDevice#resume} and is made again then. */
    STOP,
    /** For writes: {@link #STOP} if the disk is full (ENOSPC), else {@link #REPORT}. */
    ENOSPC
}
