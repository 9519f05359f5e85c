// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.List;

/** Something that is done to an open image, and that may fail where a test has files fail. */
@FunctionalInterface
public interface Step {
    void run() throws BlockException;

    /** Takes each, those after one that fails too; how many have failed. */
    static int runAll(List<Step> steps) {
        int failed = 0;
        for (Step step : steps) {
            failed += step.succeeds() ? 0 : 1;
        }
        return failed;
    }

    /** Takes the step; false if it fails in a way that faults explain. */
    default boolean succeeds() {
        try {
            run();
            return true;
        } catch (BlockException e) {
            assertThat(e.errno()).as(e.getMessage()).isIn(Errno.EIO, Errno.ENOSPC, Errno.EPERM);
            return false;
        }
    }
}
