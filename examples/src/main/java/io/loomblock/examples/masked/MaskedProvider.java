// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples.masked;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.OptionValues;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The masked format: recognises, makes and opens disk images that scanners of the host leave alone, whatever a guest has on its disk.
 *
 * <p>It hides, it does not protect: the key is in the file. New images: {@code size}, {@code key}. Found by way of {@code
 * META-INF/services/io.loomblock.driver.BlockDriverProvider}.
 */
public final class MaskedProvider implements BlockDriverProvider {
    private static final String KEY = "key";
    private static final int SECTOR = 512;

    @Override
    public String formatName() {
        return MaskedDriver.FORMAT;
    }

    @Override
    public Kind kind() {
        return Kind.FORMAT;
    }

    @Override
    public int probe(AlignedBuffer head, int length) {
        return MaskedHeader.isIn(head, length) ? 100 : 0;
    }

    @Override
    public List<DriverOption> createOptions() {
        return List.of(
                DriverOption.size("size", "Virtual disk size"),
                DriverOption.number(KEY, "Number to mask with, not 0; a random one by default"));
    }

    /** All that may be refused is looked at before the file is touched. */
    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        long key = OptionValues.of(this, options)
                .number(KEY, ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE));
        require(key != 0, "The key of a masked image is not zero");
        require(options.size() >= 0, "Image creation needs a size parameter");
        requireSectors(options.size());
        try (AlignedBuffer head = context.options().pool().acquireReserved(MaskedHeader.BYTES)) {
            new MaskedHeader(MaskedHeader.VERSION, key).encode(head);
            write(context, head, MaskedDriver.fileLength(options.size()));
        }
    }

    private static void write(CreateContext context, AlignedBuffer head, long length) throws BlockException {
        try (Node file = context.createFile()) {
            file.truncate(length, true, PreallocationMode.OFF);
            file.coWritev(0, IoVector.of(head));
        } catch (BlockException e) {
            context.deleteFile();
            throw e;
        }
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Node file = context.file();
        try (AlignedBuffer head = context.options().pool().acquireReserved(MaskedHeader.BYTES)) {
            file.readFully(0, head, MaskedHeader.BYTES);
            MaskedHeader header = MaskedHeader.decode(head);
            requireSectors(file.length());
            return new MaskedDriver(file, new Mask(header.key()));
        }
    }

    /** What a disk is made of. */
    static void requireSectors(long length) throws BlockException {
        require(length % SECTOR == 0, "The size of a masked image must be a multiple of " + SECTOR + " bytes");
    }

    private static void require(boolean condition, String otherwise) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, otherwise);
        }
    }
}
