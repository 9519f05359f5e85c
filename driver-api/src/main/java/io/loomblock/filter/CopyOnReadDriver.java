// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import io.loomblock.BlockException;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.memory.IoVector;

/** Asks the node below to copy on every read. spec: block-layer.md section 5, "Copy-on-read". */
final class CopyOnReadDriver extends FilterDriver {
    private final Node below;

    CopyOnReadDriver(Node below) {
        super(below);
        this.below = below;
    }

    @Override
    public String formatName() {
        return "copy-on-read";
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        below.coReadv(offset, bytes, qiov, qiovOffset, flags | RequestFlags.COPY_ON_READ);
    }
}
