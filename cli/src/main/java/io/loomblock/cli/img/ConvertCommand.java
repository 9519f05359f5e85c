// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.OpenOptions;
import io.loomblock.cli.Console;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Node;
import io.loomblock.job.ImageConversion;
import io.loomblock.memory.BufferPool;
import java.util.ArrayList;
import java.util.List;

/** {@code img convert}: copies an image, or several one after the other, into another format. */
final class ConvertCommand {
    private static final double PROGRESS_STEP = 1;

    private final ConvertOptions options;
    private final Console console;

    private ConvertCommand(ConvertOptions options, Console console) {
        this.options = options;
        this.console = console;
    }

    static int run(String[] args, Console console) throws ToolException, BlockException {
        ConvertOptions options = ConvertOptions.parse(args, console);
        if (options.help) {
            ImgHelp.print(console);
        } else if (OptionList.asksForHelp(options.optionList)) {
            CreateParameters.printHelp(options.targetFormat(), options.target, console.out());
        } else {
            new ConvertCommand(options, console).convert();
        }
        return 0;
    }

    private void convert() throws ToolException, BlockException {
        CacheMode sourceCache = ImgOptions.cache(options.sourceCache, "source cache");
        try (ProgressLine line = new ProgressLine(options.progress && !options.quiet, PROGRESS_STEP, console.out())) {
            List<BlockDevice> sources = new ArrayList<>();
            Closer closer = new Closer();
            try {
                openSources(sourceCache, sources);
                copy(sources, line);
                line.complete();
            } finally {
                sources.forEach(source -> closer.run(source::close));
            }
            closer.throwFirst();
        }
    }

    private void openSources(CacheMode cache, List<BlockDevice> sources) throws ToolException {
        OpenOptions how =
                Images.readOnly().withFormat(options.format).withCache(cache).withForceShare(options.forceShare);
        for (String name : options.sources) {
            sources.add(Images.open(name, options.imageOpts, how, console));
        }
        if (options.snapshot != null) {
            throw ToolException.failure("Failed to load snapshot: Block format '"
                    + sources.get(0).node().driver().formatName()
                    + "' used by device '' does not support temporarily loading internal snapshots");
        }
    }

    private void copy(List<BlockDevice> sources, ProgressLine line) throws ToolException, BlockException {
        long length = 0;
        for (BlockDevice source : sources) {
            length = Math.addExact(length, source.length());
        }
        boolean hasBacking = createTarget(length, sources.size());
        try (BlockDevice target = openTarget()) {
            if (options.skipCreate && target.length() < length) {
                throw ToolException.failure("output file is smaller than input file");
            }
            ImageConversion.convert(
                    sources,
                    target,
                    new ImageConversion.Options(
                            options.workers,
                            options.outOfOrder,
                            options.minSparse,
                            !options.skipCreate,
                            options.targetIsZero,
                            hasBacking ? backingLength(target) : -1,
                            options.salvage,
                            options.rate,
                            BufferPool.shared()),
                    new Listener(line));
        }
    }

    private static long backingLength(BlockDevice target) throws BlockException {
        Node backing = target.node().backing();
        return backing == null ? Long.MAX_VALUE : backing.length();
    }

    /** Makes the target, unless it is there already; returns whether it has a backing file. */
    private boolean createTarget(long length, int sources) throws ToolException, BlockException {
        boolean hasBacking = options.backingFile != null;
        CreateParameters parameters = null;
        if (!options.skipCreate) {
            BlockDriverProvider format = Formats.find(options.targetFormat());
            parameters = CreateParameters.parse(format, Formats.protocolOfNew(target()), options.optionList, console);
            if (options.backingFile != null) {
                parameters.setBackingFile(options.backingFile);
            }
            if (options.backingFormat != null) {
                parameters.setBackingFormat(options.backingFormat);
            }
            hasBacking = parameters.backingFile() != null;
        }
        if (hasBacking && sources > 1) {
            throw ToolException.failure(
                    "Having a backing file for the target makes no sense when concatenating multiple input images");
        }
        if (parameters != null && hasBacking && parameters.backingFormat() == null) {
            throw ToolException.failure("Use of backing file requires explicit backing format");
        }
        if (options.compress) {
            throw ToolException.failure("Compression not supported for this file format");
        }
        if (options.bitmaps) {
            throw ToolException.failure("Source lacks bitmap support");
        }
        targetCache();
        if (parameters != null) {
            create(parameters, length);
        }
        return hasBacking;
    }

    private void create(CreateParameters parameters, long length) throws ToolException {
        parameters.setSize(length);
        String prefix = target() + ": error while converting " + options.targetFormat() + ": ";
        try {
            String recorded = parameters.backingFormat();
            if (recorded != null) {
                Formats.requireBackingFormat(recorded);
            }
            BlockDevice.create(options.targetFormat(), target(), parameters.toCreateOptions(), Images.readWrite());
        } catch (BlockException e) {
            throw ToolException.failure(prefix + e.reason(), ToolException.FAILURE, e);
        } catch (ToolException e) {
            throw ToolException.failure(prefix + e.text());
        }
    }

    private BlockDevice openTarget() throws ToolException {
        OpenOptions how = Images.readWrite()
                .withFormat(options.targetImageOpts ? options.outFormat : options.targetFormat())
                .withCache(targetCache())
                .withUnmap(options.minSparse != 0);
        return Images.open(target(), options.targetImageOpts, how, console);
    }

    private CacheMode targetCache() throws ToolException {
        return ImgOptions.cache(options.targetCache, "cache");
    }

    private String target() {
        String name = options.target;
        if (name == null) {
            throw new IllegalStateException("a command line without target was accepted");
        }
        return name;
    }

    /** Shows progress, and what could not be read. */
    private final class Listener implements ImageConversion.Listener {
        private final ProgressLine line;

        Listener(ProgressLine line) {
            this.line = line;
        }

        @Override
        public boolean wantsProgress() {
            return options.progress && !options.quiet;
        }

        @Override
        public void advanced(long done, long total) {
            line.advanced(done, total);
        }

        @Override
        public void unreadable(long offset, BlockException failure) {
            if (!options.quiet) {
                console.warning("error while reading offset " + offset + ": "
                        + failure.errno().text());
            }
        }
    }
}
