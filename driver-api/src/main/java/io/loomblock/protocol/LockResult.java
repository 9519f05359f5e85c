// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** What became of a lock that was asked for. */
enum LockResult {
    GRANTED,
    /** Somebody else holds one that excludes it. */
    CONFLICT,
    /** The file system knows no locks. */
    UNSUPPORTED
}
