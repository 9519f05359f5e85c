// SPDX-License-Identifier: Apache-2.0
/** FVD from outside: models, crashes, faults, hostile images. */
@NullMarked
package io.loomblock.iotests.fvd;

import org.jspecify.annotations.NullMarked;
