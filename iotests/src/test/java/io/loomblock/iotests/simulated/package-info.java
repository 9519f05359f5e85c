// SPDX-License-Identifier: Apache-2.0
/** All formats on simulated storage: slow, disorderly, unreliable, and lost at last. */
@NullMarked
package io.loomblock.iotests.simulated;

import org.jspecify.annotations.NullMarked;
