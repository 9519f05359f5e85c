// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An image that is put to work.
 *
 * @param name what the user knows it by
 * @param path where it lies
 * @param format of the image
 * @param before what its disk reads as
 * @param options what is not to be found where the image says
 * @param original the large image of the user's that it is an overlay of, or null
 * @param mostVerified of a large disk, about how many bytes are to be looked at besides those that are written to; else 2^63-1
 */
record Subject(
        String name,
        Path path,
        String format,
        Contents before,
        NodeOptions options,
        @Nullable Original original,
        long mostVerified) {
    Subject(String name, Path path, String format, Contents before) {
        this(name, path, format, before, NodeOptions.NONE);
    }

    Subject(String name, Path path, String format, Contents before, NodeOptions options) {
        this(name, path, format, before, options, null, Long.MAX_VALUE);
    }

    /** An overlay of an image that is too large to be copied. */
    static Subject overlay(String name, Path path, String format, Original original, long mostVerified) {
        return new Subject(name, path, format, original, NodeOptions.NONE, original, mostVerified);
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
