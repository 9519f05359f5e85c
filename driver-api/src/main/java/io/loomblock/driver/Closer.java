// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import org.jspecify.annotations.Nullable;

/** Runs all steps of a close, whatever fails, and throws the first failure at the end. */
public final class Closer {
    private @Nullable Exception first;

    /** Runs a step and keeps its failure. */
    public void run(BlockAction step) {
        try {
            step.run();
        } catch (BlockException | RuntimeException e) {
            if (first == null) {
                first = e;
            } else {
                first.addSuppressed(e);
            }
        }
    }

    /** Closes what was opened before a failure; if that fails too, it is attached to {@code failure}. */
    public static void closeAfter(Exception failure, AutoCloseable opened) {
        try {
            opened.close();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    /** Throws the first failure, the others suppressed in it; returns if there was none. */
    public void throwFirst() throws BlockException {
        if (first instanceof BlockException e) {
            throw e;
        }
        if (first instanceof RuntimeException e) {
            throw e;
        }
    }
}
