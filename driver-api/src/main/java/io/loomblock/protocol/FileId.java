// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** What tells a file from all others of this machine, whatever its names: file system and inode. */
record FileId(long device, long inode) {
    /** By hand: that of a record is put together when it is first called, which takes a tool's start milliseconds. */
    @Override
    public int hashCode() {
        return Long.hashCode(31 * device + inode);
    }
}
