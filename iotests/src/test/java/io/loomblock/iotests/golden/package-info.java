/** Images made by QEMU, and what each must give. */
@NullMarked
package io.loomblock.iotests.golden;

import org.jspecify.annotations.NullMarked;
