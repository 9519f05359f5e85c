// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.CreateOptions;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The images of one port: files of one format in a directory of their own.
 *
 * <p>They are opened with {@link CacheMode#UNSAFE}: no port asks what survives a power failure, and the machine is spared.
 */
record PortImages(Path directory, String format) {
    static final int KIB = 1 << 10;
    static final int MIB = 1 << 20;
    static final long GIB = 1L << 30;

    private static final String CLUSTER_SIZE = "cluster_size";

    /** The name by which an image is opened. */
    String path(String name) {
        return directory.resolve(name).toString();
    }

    void create(String name, long size) throws BlockException {
        create(name, CreateOptions.ofSize(size));
    }

    void create(String name, CreateOptions options) throws BlockException {
        CreateOptions all = options;
        for (Map.Entry<String, String> one : extra(name).entrySet()) {
            all = all.with(one.getKey(), one.getValue());
        }
        BlockDevice.create(format, path(name), format.equals("fvd") ? inUnitsOfFvd(all) : all, opening());
    }

    /** What {@code img create} and {@code img convert} have to be told besides, for an image of this name. */
    List<String> words(String name) throws BlockException {
        List<String> words = new ArrayList<>();
        extra(name).forEach((option, value) -> words.addAll(List.of("-o", option + "=" + value)));
        return words;
    }

    /** add-cow needs a data file that is there, which the reference's harness makes beside each image. */
    private Map<String, String> extra(String name) throws BlockException {
        if (!format.equals("add-cow")) {
            return Map.of();
        }
        String data = "./" + name + ".data";
        if (Files.notExists(directory.resolve(data))) {
            BlockDevice.create("raw", path(data), CreateOptions.ofSize(0), opening());
        }
        return Map.of("image_file", data);
    }

    /** FVD copies in blocks and stores in chunks: both are what others call a cluster. */
    private static CreateOptions inUnitsOfFvd(CreateOptions options) {
        String size = options.options().get(CLUSTER_SIZE);
        if (size == null) {
            return options;
        }
        Map<String, String> units = new HashMap<>(options.options());
        units.remove(CLUSTER_SIZE);
        units.put("chunk_size", size);
        if (options.backingFile() != null) {
            units.put("block_size", size);
        }
        return new CreateOptions(options.size(), options.backingFile(), options.backingFormat(), units);
    }

    private static OpenOptions opening() {
        return OpenOptions.readWrite().withCache(CacheMode.UNSAFE);
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
