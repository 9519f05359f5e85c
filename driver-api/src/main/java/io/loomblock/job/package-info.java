@NullMarked
package io.loomblock.job;

import org.jspecify.annotations.NullMarked;
