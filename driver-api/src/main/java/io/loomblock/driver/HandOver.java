// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;

/**
 * A graph whose image passes from one process to another: completed and given away, taken back where that fails, read anew.
 *
 * <p>Other requests must not be in flight. spec: block-layer.md section 5.
 */
final class HandOver {
    private final Node root;

    HandOver(Node root) {
        this.root = root;
    }

    /**
     * Completes the image from the top down, and then forgets what is cached. Drained and flushed. Where it fails the image is this process's
     * own as before, unless that fails too: then the failure has the other one attached to it.
     */
    void giveAway() throws BlockException {
        root.checkOpen();
        // The first to give something up; if it cannot, there is nothing to take back.
        root.driver().inactivate();
        try {
            for (Node child : root.children().values()) {
                complete(child);
            }
            readAnew(false);
        } catch (BlockException e) {
            takeBack(e);
            throw e;
        }
    }

    private static void complete(Node node) throws BlockException {
        node.checkOpen();
        node.driver().inactivate();
        for (Node child : node.children().values()) {
            complete(child);
        }
    }

    /** In the same drained section: no request comes in between, whose data would be forgotten. */
    private void takeBack(BlockException failure) {
        try {
            readAnew(true);
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    /** Forgets what is cached, in the children first; nothing is forgotten where a driver refuses. */
    void readAnew(boolean activate) throws BlockException {
        prepare(root);
        invalidate(root, activate);
    }

    private static void prepare(Node node) throws BlockException {
        node.checkOpen();
        node.driver().prepareInvalidation();
        for (Node child : node.children().values()) {
            prepare(child);
        }
    }

    private static void invalidate(Node node, boolean activate) throws BlockException {
        for (Node child : node.children().values()) {
            invalidate(child, activate);
        }
        node.driver().invalidateCache(activate);
        node.requests().setInactive(!activate);
        node.refresh();
    }
}
