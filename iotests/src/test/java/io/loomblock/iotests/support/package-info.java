/** What the tests of this module share: an independent QED reader, and ways to make, hash and walk images. */
@NullMarked
package io.loomblock.iotests.support;

import org.jspecify.annotations.NullMarked;
