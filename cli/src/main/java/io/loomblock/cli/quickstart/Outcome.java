// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.CheckResult;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How an image did.
 *
 * @param name what the user knows it by
 * @param format of the image
 * @param diskBytes size of its disk
 * @param figures of the requests
 * @param allocatedBytes what its file takes on disk, or -1 if that is not known
 * @param check what the check found at the end, or null for a format that has none
 * @param picture which parts of the disk the image has allocated
 * @param converted formats that it was converted to
 */
record Outcome(
        String name,
        String format,
        long diskBytes,
        Workload.Figures figures,
        long allocatedBytes,
        @Nullable CheckResult check,
        String picture,
        List<String> converted) {}
