// SPDX-License-Identifier: Apache-2.0
/** The {@code quickstart} tool: concurrent random requests against images, every byte verified against a model. */
@NullMarked
package io.loomblock.cli.quickstart;

import org.jspecify.annotations.NullMarked;
