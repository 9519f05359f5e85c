// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.nio.charset.StandardCharsets;

/**
 * Makes a new image: header, backing name and an empty L1 table. spec: qed.md section 7.
 *
 * <p>All options are checked before the file is touched. The header goes last, so that no half-made image is ever taken for one, and a file
 * that could not be finished is deleted.
 */
final class QedCreation {
    private final CreateContext context;
    private final CreateOptions options;

    QedCreation(CreateContext context, CreateOptions options) {
        this.context = context;
        this.options = options;
    }

    void run() throws BlockException {
        long clusterSize = option("cluster_size", QedHeader.DEFAULT_CLUSTER_SIZE);
        long tableSize = option("table_size", QedHeader.DEFAULT_TABLE_SIZE);
        require(
                QedHeader.isClusterSize(clusterSize),
                "QED cluster size must be within range [" + QedHeader.MIN_CLUSTER_SIZE + ", "
                        + QedHeader.MAX_CLUSTER_SIZE + "] and power of 2");
        require(
                QedHeader.isTableSize(tableSize),
                "QED table size must be within range [1, " + QedHeader.MAX_TABLE_SIZE + "] and power of 2");
        QedLayout layout = new QedLayout((int) clusterSize, (int) tableSize, 1, clusterSize);
        long size = size();
        require(
                layout.isImageSize(size),
                "QED image size must be a non-zero multiple of cluster size and less than " + layout.maxImageSize()
                        + " bytes");
        byte[] name = backingName();
        require(
                name.length <= QedHeader.MAX_NEW_BACKING_NAME && QedHeader.BYTES + name.length <= clusterSize,
                "Backing file name is too long for a QED image");
        write(layout, header(layout, size, name.length), name);
    }

    /** The size that was said, or that of the backing file. */
    private long size() throws BlockException {
        String backing = options.backingFile();
        if (options.size() >= 0 || backing == null) {
            return options.size();
        }
        OpenOptions readOnly = context.options().withWritable(false);
        try (Node node = context.openNamed(backing, options.backingFormat(), readOnly)) {
            return node.length();
        }
    }

    private QedHeader header(QedLayout layout, long size, int nameLength) {
        long features = nameLength == 0
                ? 0
                : "raw".equals(options.backingFormat())
                        ? QedHeader.BACKING_FILE | QedHeader.BACKING_FORMAT_NO_PROBE
                        : QedHeader.BACKING_FILE;
        return new QedHeader(
                layout.clusterSize(),
                layout.tableSize(),
                1,
                features,
                0,
                0,
                layout.l1Offset(),
                size,
                nameLength == 0 ? 0 : QedHeader.BYTES,
                nameLength);
    }

    private void write(QedLayout layout, QedHeader header, byte[] name) throws BlockException {
        // The memory first: where there is none, no file is left behind.
        try (AlignedBuffer buffer = BufferPool.shared().acquireReserved(QedHeader.BYTES + name.length)) {
            header.encode(buffer);
            buffer.put(QedHeader.BYTES, name, 0, name.length);
            writeFile(layout, buffer);
        }
    }

    private void writeFile(QedLayout layout, AlignedBuffer headerAndName) throws BlockException {
        try (Node file = context.createFile()) {
            NewTable.write(file, layout.l1Offset(), layout.tableBytes(), BufferPool.shared());
            file.flush();
            file.coWritev(0, IoVector.of(headerAndName));
        } catch (BlockException e) {
            context.deleteFile();
            throw e;
        }
    }

    private byte[] backingName() throws BlockException {
        String name = options.backingFile();
        if (name == null) {
            return new byte[0];
        }
        require(name.indexOf('\0') < 0, "Backing file name contains a NUL character");
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private long option(String name, long defaultValue) throws BlockException {
        String text = options.options().get(name);
        try {
            return text == null ? defaultValue : Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new BlockException(Errno.EINVAL, "Parameter '" + name + "' expects a size", e);
        }
    }

    private static void require(boolean condition, String otherwise) throws BlockException {
        if (!condition) {
            throw new BlockException(Errno.EINVAL, otherwise);
        }
    }
}
