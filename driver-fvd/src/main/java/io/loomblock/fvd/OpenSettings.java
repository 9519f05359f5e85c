// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.OpenOptions;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OptionValues;
import java.util.List;

/**
 * How an image is opened: the options of all images, and those of FVD.
 *
 * @param generic those of all images
 * @param force whether an image may be written that was not closed in order, and has no journal to tell what it lacks
 */
record OpenSettings(OpenOptions generic, boolean force) {
    private static final String FORCE = "force";

    static List<DriverOption> known() {
        return List.of(DriverOption.bool(
                        FORCE,
                        "Write to an image without a journal that was not closed in order: it may have lost data")
                .withDefault("off"));
    }

    static OpenSettings of(OpenOptions generic, OptionValues values) {
        return new OpenSettings(generic, values.bool(FORCE, false));
    }
}
