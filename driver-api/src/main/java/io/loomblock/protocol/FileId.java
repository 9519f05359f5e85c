// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** What tells a file from all others of this machine, whatever its names: file system and inode. */
record FileId(long device, long inode) {}
