// SPDX-License-Identifier: Apache-2.0
/** Tests of what devices add to any driver, over raw and QED. */
@org.jspecify.annotations.NullMarked
package io.loomblock.iotests.device;
