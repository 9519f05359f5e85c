/** The QED driver under concurrency, faults, crashes and hostile images. */
@NullMarked
package io.loomblock.iotests.qed;

import org.jspecify.annotations.NullMarked;
