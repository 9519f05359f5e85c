// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import io.loomblock.job.ImageConversion;
import io.loomblock.memory.BufferPool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Converts an image to every other format, and verifies what comes out. */
final class Conversions {
    private static final int WORKERS = 8;
    private static final int MIN_SPARSE = 4096;

    private Conversions() {}

    /**
     * Converts the whole disk, backing file included.
     *
     * @param scratch where the converted images are put, one at a time
     * @return the formats
     */
    static List<String> run(Subject subject, BlockDevice source, Model model, Path scratch)
            throws BlockException, IOException, Mismatch {
        List<String> formats = new ArrayList<>();
        for (BlockDriverProvider provider : Drivers.all()) {
            String format = provider.formatName();
            if (provider.kind() == BlockDriverProvider.Kind.FORMAT && !format.equals(subject.format())) {
                Path path = scratch.resolve("converted." + format);
                Subject target = new Subject(subject.name(), path, format, subject.before());
                convert(source, target, model);
                NewImage.delete(path);
                formats.add(format);
            }
        }
        return formats;
    }

    private static void convert(BlockDevice source, Subject target, Model model) throws BlockException, Mismatch {
        String path = target.path().toString();
        // Nobody keeps it, so it need not reach the disk.
        OpenOptions scratch = target.readWrite().withCache(CacheMode.UNSAFE);
        NewImage.create(target.format(), target.path(), CreateOptions.ofSize(source.length()), scratch);
        try (BlockDevice device = BlockDevice.open(path, scratch)) {
            ImageConversion.convert(List.of(source), device, options(), new Silent());
        }
        try (BlockDevice device = BlockDevice.open(path, target.readOnly())) {
            Verification.run("after converting to " + target.format(), device, model, 1);
        }
    }

    private static ImageConversion.Options options() {
        return new ImageConversion.Options(WORKERS, true, MIN_SPARSE, true, false, -1, false, 0, BufferPool.shared());
    }

    /** Nobody watches. */
    private static final class Silent implements ImageConversion.Listener {
        @Override
        public boolean wantsProgress() {
            return false;
        }

        @Override
        public void unreadable(long offset, BlockException failure) {}

        @Override
        public void advanced(long done, long total) {}
    }
}
