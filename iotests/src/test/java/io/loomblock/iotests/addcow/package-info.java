/** add-cow as a whole: model, crash, fault, concurrency and hostile-image tests, and the tools on such images. */
@NullMarked
package io.loomblock.iotests.addcow;

import org.jspecify.annotations.NullMarked;
