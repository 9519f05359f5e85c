// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import java.nio.file.Path;

/**
 * An image that is put to work.
 *
 * @param name what the user knows it by
 * @param path where it lies
 * @param format of the image
 * @param before what its disk reads as
 */
record Subject(String name, Path path, String format, Contents before) {
    OpenOptions readWrite() {
        return OpenOptions.readWrite().withFormat(format).withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
    }

    OpenOptions readOnly() {
        return readWrite().withWritable(false);
    }
}
