/** The QED driver and the programs of QEMU on the same files. */
@NullMarked
package io.loomblock.iotests.interop;

import org.jspecify.annotations.NullMarked;
