/** What the tests of all modules share: files in memory, drivers that record, hold up or fail requests, a model of a disk. */
@NullMarked
package io.loomblock.testkit;

import org.jspecify.annotations.NullMarked;
