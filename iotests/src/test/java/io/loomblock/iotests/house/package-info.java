/** The plan of the house, held by tests. */
@NullMarked
package io.loomblock.iotests.house;

import org.jspecify.annotations.NullMarked;
