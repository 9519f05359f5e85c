// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Node;
import io.loomblock.driver.OpenContext;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;

/**
 * QED, the QEMU Enhanced Disk format: recognises, makes and opens images.
 *
 * <p>New images: {@code size}, {@code backing_file}, {@code backing_fmt}, {@code cluster_size}, {@code table_size}. spec: qed.md sections 6
 * to 8.
 */
public final class QedProvider implements BlockDriverProvider {
    @Override
    public String formatName() {
        return "qed";
    }

    @Override
    public Kind kind() {
        return Kind.FORMAT;
    }

    @Override
    public boolean supportsBacking() {
        return true;
    }

    @Override
    public int probe(AlignedBuffer head, int length) {
        return length >= QedHeader.BYTES && head.getInt(0) == QedHeader.MAGIC ? 100 : 0;
    }

    @Override
    public List<DriverOption> createOptions() {
        return List.of(
                DriverOption.string("backing_file", "File name of a base image"),
                DriverOption.string("backing_fmt", "Image format of the base image"),
                DriverOption.size("cluster_size", "Cluster size (in bytes)")
                        .withDefault(String.valueOf(QedHeader.DEFAULT_CLUSTER_SIZE)),
                DriverOption.size("size", "Virtual disk size"),
                DriverOption.size("table_size", "L1/L2 table size (in clusters)"));
    }

    @Override
    public void create(CreateContext context, CreateOptions options) throws BlockException {
        new QedCreation(context, options).run();
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Node file = context.file();
        OpenOptions options = context.options();
        QedHeader header = HeaderStore.read(file, options.pool());
        header.validate(file.length());
        BackingReference reference = QedImage.readBackingReference(file, header, options);
        // Before anything is written to the image: one that is refused stays as it was.
        Node backing = context.openBacking(reference == null ? BackingReference.NONE : reference);
        QedImage image = QedImage.read(file, options, backing != null, options.writable() && !options.inactive());
        return new QedDriver(file, backing, reference, options, image);
    }
}
