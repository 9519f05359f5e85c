// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** What the system says about a file before it is used. */
record FileFacts(FileId id, FileKind kind) {}
