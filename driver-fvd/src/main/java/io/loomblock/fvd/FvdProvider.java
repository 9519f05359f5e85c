// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.driver.SharedFiles;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;

/**
 * FVD, the Fast Virtual Disk: recognises, makes and opens images of both layouts.
 *
 * <p>Options: {@code force}, {@code journal-mode}, {@code journal-buffer-size}, {@code journal-flush-period}. New images: {@code size},
 * {@code backing_file}, {@code backing_fmt}, {@code version}, {@code compact_image}, {@code block_size}, {@code chunk_size}, {@code
 * storage_grow_unit}, {@code add_storage_cmd}, {@code data_file}, {@code data_file_fmt}, {@code copy_on_read}, {@code prefetch_start_delay},
 * {@code detect_sparse_hole}, {@code journal_size}. Settings that may be amended: {@code size}, {@code backing_file}, {@code backing_fmt},
 * {@code data_file}, {@code data_file_fmt}, {@code clean_shutdown}, {@code need_zero_init}, {@code copy_on_read}, {@code
 * max_outstanding_copy_on_read_data}, {@code prefetch_start_delay}, {@code num_prefetch_slots}, {@code bytes_per_prefetch}, {@code
 * prefetch_min_read_throughput}, {@code prefetch_min_write_throughput}, {@code prefetch_read_throughput_measure_time}, {@code
 * prefetch_write_throughput_measure_time}, {@code prefetch_throttle_time}, {@code prefetch_perf_calc_alpha}. spec: fvd.md sections 7, 14
 * and 16.
 */
public final class FvdProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "fvd";
    }

    @Override
    public Kind kind() {
        return Kind.FORMAT;
    }

    @Override
    public boolean supportsBacking() {
        return true;
    }

    /** A magic with an unknown version is ours too, but for us to refuse: taken for raw, it would be overwritten. */
    @Override
    public int probe(AlignedBuffer head, int length) {
        if (length < HeaderFormat.PROBE_BYTES || !HeaderFormat.hasMagic(head)) {
            return 0;
        }
        return HeaderFormat.isKnown(head) ? 100 : 50;
    }

    @Override
    public List<DriverOption> createOptions() {
        return CreationOptions.known();
    }

    @Override
    public List<DriverOption> amendOptions() {
        return Amendment.known();
    }

    @Override
    public List<DriverOption> openOptions() {
        return OpenSettings.known();
    }

    @Override
    public List<String> childRoles() {
        return List.of(Node.FILE, Node.DATA, Node.BACKING);
    }

    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        new FvdCreation(context, options).run();
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Node file = context.file();
        OpenOptions options = context.options();
        FvdHeader header = HeaderStore.read(file, options.pool());
        header.validate(file.length());
        // Before anything is written to the image: one that is refused stays as it was.
        NamedFile named = header.data();
        Node data = named.isNone() ? file : context.openChild(Node.DATA, named.name(), named.formatOrNull());
        BackingReference reference = FvdDriver.reference(header);
        Node base = context.openBacking(reference == null ? BackingReference.NONE : reference);
        if (data != file) {
            SharedFiles.refuse(file, data, base, "data file");
        }
        FvdImage.Files files = new FvdImage.Files(file, data, new BackingFile(file, base));
        OpenSettings settings = OpenSettings.of(options, context.values());
        boolean ours = options.writable() && !options.inactive();
        return new FvdDriver(files, settings, new NamedFiles(context), FvdImage.read(files, settings, ours));
    }
}
