// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import java.nio.file.Path;

/**
 * The images of one port: files of one format in a directory of their own.
 *
 * <p>They are opened with {@link CacheMode#UNSAFE}: no port asks what survives a power failure, and the machine is spared.
 */
record PortImages(Path directory, String format) {
    static final int KIB = 1 << 10;
    static final int MIB = 1 << 20;
    static final long GIB = 1L << 30;

    /** The name by which an image is opened. */
    String path(String name) {
        return directory.resolve(name).toString();
    }

    void create(String name, long size) throws BlockException {
        create(name, CreateOptions.ofSize(size));
    }

    /** add-cow needs a data file that is there, which the reference's harness makes beside each image. */
    void create(String name, CreateOptions options) throws BlockException {
        OpenOptions opening = OpenOptions.readWrite().withCache(CacheMode.UNSAFE);
        CreateOptions all = options;
        if (format.equals("add-cow")) {
            String data = name + ".data";
            BlockDevice.create("raw", path(data), CreateOptions.ofSize(0), opening);
            all = options.with("image_file", data);
        }
        BlockDevice.create(format, path(name), all, opening);
    }

    /** An image over another one in the same directory, which it names relatively. */
    void createOver(PortImages backing, String backingName, String name, CreateOptions options) throws BlockException {
        create(name, options.withBacking(backingName, backing.format));
    }

    BlockDevice open(String name) throws BlockException {
        return BlockDevice.open(path(name), options(true));
    }

    BlockDevice openReadOnly(String name) throws BlockException {
        return BlockDevice.open(path(name), options(false));
    }

    private OpenOptions options(boolean writable) {
        return OpenOptions.readOnly().withWritable(writable).withFormat(format).withCache(CacheMode.UNSAFE);
    }

    /** Fails unless a check finds nothing at all; a format that cannot be checked passes. */
    void expectClean(String name) throws BlockException {
        try (BlockDevice device = openReadOnly(name)) {
            expectClean(device);
        }
    }

    /** The same on an image that is open. */
    void expectClean(BlockDevice device) throws BlockException {
        if (!format.equals("raw")) {
            assertThat(device.check(FixMode.NONE).isClean())
                    .as("check of " + device.filename())
                    .isTrue();
        }
    }
}
