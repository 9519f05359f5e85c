/** The examples are true: they run, and do what the README says, with what is public. */
@NullMarked
package io.loomblock.examples;

import org.jspecify.annotations.NullMarked;
