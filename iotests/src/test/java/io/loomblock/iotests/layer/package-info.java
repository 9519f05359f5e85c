// SPDX-License-Identifier: Apache-2.0
/** What the layer above every driver does, on images of real formats. */
@NullMarked
package io.loomblock.iotests.layer;

import org.jspecify.annotations.NullMarked;
