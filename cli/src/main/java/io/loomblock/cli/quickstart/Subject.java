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
 * @param mostVerified of a large disk, about how many bytes are to be looked at besides those that are written to; else 2^63-1
 */
record Subject(String name, Path path, String format, Contents before, NodeOptions options, long mostVerified) {
    Subject(String name, Path path, String format, Contents before) {
        this(name, path, format, before, NodeOptions.NONE);
    }

    Subject(String name, Path path, String format, Contents before, NodeOptions options) {
        this(name, path, format, before, options, Long.MAX_VALUE);
    }

    Subject withMostVerified(long bytes) {
        return new Subject(name, path, format, before, options, bytes);
    }

    /** Of how many megabytes in a row of a disk one is verified. */
    long stride(long length) {
        return Math.max(1, Math.ceilDiv(length, mostVerified));
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
