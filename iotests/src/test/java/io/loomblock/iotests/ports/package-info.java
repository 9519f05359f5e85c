/** QEMU's iotests in our words, by number. */
@NullMarked
package io.loomblock.iotests.ports;

import org.jspecify.annotations.NullMarked;
