// SPDX-License-Identifier: Apache-2.0
/** The {@code io} tool: a drop-in replacement of qemu-io, which reads and writes images by small commands. */
@NullMarked
package io.loomblock.cli.io;

import org.jspecify.annotations.NullMarked;
