// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** Whether requests of a device have been stopped by an error since the last {@link BlockDevice#resume}, by which kind first. */
public enum IoStatus {
    OK,
    FAILED,
    /** The disk below was full. */
    NOSPACE
}
