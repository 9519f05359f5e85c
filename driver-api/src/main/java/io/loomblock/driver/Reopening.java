// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a node and those below it, backing files apart, writable or read-only: all of them or none. Used once. */
final class Reopening {
    private static final Logger LOG = LoggerFactory.getLogger(Reopening.class);

    private final boolean writable;
    /** In the order in which they were prepared. */
    private final List<Node> prepared = new ArrayList<>();

    Reopening(boolean writable) {
        this.writable = writable;
    }

    /** See {@link Node#reopen}. */
    void run(Node top) throws BlockException {
        try {
            prepare(top);
        } catch (BlockException | RuntimeException e) {
            prepared.reversed().forEach(this::abort);
            throw e;
        }
        prepared.forEach(this::commit);
        // What a driver says of itself may be what its file says, so that children come first.
        (writable ? prepared : prepared.reversed()).forEach(Reopening::refresh);
    }

    /** What is to be written needs its file to be writable first, and the other way round. */
    private void prepare(Node node) throws BlockException {
        if (!writable) {
            node.flush();
            node.driver().reopenPrepare(false);
            prepared.add(node);
        }
        for (var child : node.children().entrySet()) {
            if (!child.getKey().equals(Node.BACKING) && child.getValue().readOnly() == writable) {
                prepare(child.getValue());
            }
        }
        if (writable) {
            node.driver().reopenPrepare(true);
            node.requests().setReadOnly(false);
            prepared.add(node);
        }
    }

    private void commit(Node node) {
        node.driver().reopenCommit();
        node.requests().setReadOnly(!writable);
    }

    private void abort(Node node) {
        node.driver().reopenAbort();
        node.requests().setReadOnly(writable);
    }

    /** All is done by now, and a failure would say that nothing was. */
    private static void refresh(Node node) {
        try {
            node.refresh();
        } catch (BlockException e) {
            LOG.warn("{}: its length is not known anew after it was reopened: {}", node.filename(), e.getMessage());
        }
    }
}
