// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Node;

/**
 * Status of a range together with the layer of the backing chain that it comes from.
 *
 * @param status uniform over its length
 * @param depth 0 for the top image, 1 for its backing file, …
 * @param layer the node of that layer
 */
public record LayeredStatus(BlockStatus status, int depth, Node layer) {}
