// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Drivers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes and deletes an image of any format; one that keeps the guest's data in a file of its own gets that file first. */
final class NewImage {
    /** The option by which such formats are told the name of that file, which must be there. */
    private static final String DATA_OPTION = "image_file";

    private NewImage() {}

    static void create(String format, Path path, CreateOptions options, OpenOptions opening) throws BlockException {
        CreateOptions all = options;
        if (needsDataFile(format)) {
            Path data = dataFile(path);
            BlockDevice.create("raw", data.toString(), CreateOptions.ofSize(0), opening);
            all = options.with(DATA_OPTION, data.getFileName().toString());
        }
        BlockDevice.create(format, path.toString(), all, opening);
    }

    static void delete(Path path) throws IOException {
        Files.deleteIfExists(path);
        Files.deleteIfExists(dataFile(path));
    }

    private static boolean needsDataFile(String format) throws BlockException {
        return Drivers.get(format).createOptions().stream()
                .anyMatch(option -> option.name().equals(DATA_OPTION));
    }

    /** Where the data file of an image at {@code path} is put. */
    static Path dataFile(Path path) {
        return path.resolveSibling(path.getFileName() + ".data");
    }
}
