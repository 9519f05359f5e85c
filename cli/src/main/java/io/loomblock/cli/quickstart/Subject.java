// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import java.nio.file.Path;

/**
 * An image that is put to work.
 *
 * @param name what the user knows it by
 * @param path where it lies
 * @param format of the image
 * @param before what its disk reads as
 * @param options what is not to be found where the image says
 */
record Subject(String name, Path path, String format, Contents before, NodeOptions options) {
    Subject(String name, Path path, String format, Contents before) {
        this(name, path, format, before, NodeOptions.NONE);
    }

    OpenOptions readWrite() {
        return OpenOptions.readWrite()
                .withFormat(format)
                .withNodeOptions(options)
                .withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
    }

    OpenOptions readOnly() {
        return readWrite().withWritable(false);
    }
}
