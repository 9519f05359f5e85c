// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What {@code img info} shows of an FVD image: every field of the header, how much storage is used, and how much of the base image is not
 * needed any more. Where metadata cannot be read, what it would tell is left out, and that is told. spec: fvd.md section 16.5.
 */
final class ImageFacts {
    /** Entries of a table that are looked through to count what is in use. */
    private static final long MOST_COUNTED = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(ImageFacts.class);

    private ImageFacts() {}

    /**
     * The facts by name, in the order to print them.
     *
     * @param dataLength length of the file with the data, in bytes
     */
    static Map<String, Object> of(FvdImage image, long dataLength) {
        FvdHeader header = image.header().get();
        Map<String, Object> facts = new LinkedHashMap<>();
        List<String> unreadable = new ArrayList<>();
        facts.put("version", header.version());
        facts.put("clean-shutdown", header.clean());
        facts.put("data-offset", header.dataOffset());
        if (!header.data().isNone()) {
            facts.put("data-file", header.data().name());
            facts.put("data-file-format", header.data().format());
        }
        putBase(header, facts);
        if (!header.base().isNone()) {
            putProgress(image, facts, unreadable);
        }
        facts.put("compact-image", header.isCompact());
        if (header.isCompact()) {
            putTable(header, dataLength, facts);
            putStorageUsed(image, dataLength, facts, unreadable);
        }
        facts.put("journal-offset", header.journal().offset());
        facts.put("journal-size", header.journal().size());
        if (header.version() == 2) {
            facts.put("stable-journal-epoch", header.stableEpoch());
        }
        if (!unreadable.isEmpty()) {
            facts.put("unreadable-metadata", String.join(", ", unreadable));
        }
        return facts;
    }

    private static void putBase(FvdHeader header, Map<String, Object> facts) {
        facts.put("all-data-in-image", header.allData());
        if (header.base().isNone()) {
            return;
        }
        if (header.allData()) {
            // Of no use any more, and so no backing file.
            facts.put("base-image", header.base().name());
            facts.put("base-image-format", header.base().format());
        }
        facts.put("base-image-size", header.baseSize());
        facts.put("block-size", header.blockSize());
        facts.put("bitmap-offset", header.bitmap().offset());
        facts.put("bitmap-size", header.bitmap().size());
        facts.put("need-zero-init", header.needsZeroInit());
        facts.put("copy-on-read", header.copyOnRead());
        facts.put("max-outstanding-copy-on-read-data", header.maxCopyOnRead());
        PrefetchSettings prefetch = header.prefetch();
        facts.put("prefetch-start-delay", prefetch.startDelay());
        facts.put("num-prefetch-slots", prefetch.slots());
        facts.put("bytes-per-prefetch", prefetch.bytesPerUnit());
        facts.put("prefetch-read-throughput-measure-time", prefetch.readMeasureTime());
        facts.put("prefetch-write-throughput-measure-time", prefetch.writeMeasureTime());
        facts.put("prefetch-perf-calc-alpha", prefetch.alpha());
        facts.put("prefetch-min-read-throughput", prefetch.minRead());
        facts.put("prefetch-min-write-throughput", prefetch.minWrite());
        facts.put("prefetch-max-read-throughput", prefetch.maxRead());
        facts.put("prefetch-max-write-throughput", prefetch.maxWrite());
        facts.put("prefetch-throttle-time", prefetch.throttleTime());
    }

    /** How much of the base image is not needed any more, unless that cannot be read, and what is being done about the rest. */
    private static void putProgress(FvdImage image, Map<String, Object> facts, List<String> unreadable) {
        BaseBitmap bitmap = image.metadata().bitmap();
        FvdImage.Writing writing = image.writing();
        try {
            facts.put(
                    "base-data-in-image", bitmap == null ? image.header().get().baseSize() : bitmap.bytesInImage());
        } catch (BlockException e) {
            unreadable.add("bitmap");
            LOG.warn("How much the image has of its base image is not known: {}", e.getMessage());
        }
        facts.put("prefetch-state", writing == null ? "off" : writing.copies().prefetchState());
    }

    private static void putTable(FvdHeader header, long dataLength, Map<String, Object> facts) {
        facts.put("table-offset", header.table().offset());
        facts.put("table-size", header.table().size());
        facts.put("chunk-size", header.chunkSize());
        facts.put("storage-grow-unit", header.growUnit());
        facts.put("add-storage-command", header.addStorageCommand());
        long start = header.data().isNone() ? header.dataOffset() / FvdHeader.SECTOR * FvdHeader.SECTOR : 0;
        facts.put("storage-length", Math.max(0, dataLength - start));
    }

    /**
     * Bytes up to the end of the last chunk in use. Where nobody keeps count, the table is looked through if it is not too long for that; what
     * it does not tell is left out.
     */
    private static void putStorageUsed(
            FvdImage image, long dataLength, Map<String, Object> facts, List<String> unreadable) {
        FvdImage.Writing writing = image.writing();
        ChunkMapper mapper = writing == null ? null : writing.mapper();
        ChunkTable table = image.metadata().table();
        FvdLayout layout = image.layout();
        if (mapper != null) {
            facts.put("storage-used", mapper.used() * layout.chunkSize());
        } else if (table != null && layout.chunks() <= MOST_COUNTED) {
            try {
                TableScan scan = TableScan.of(table, layout, layout.storage(dataLength), true);
                facts.put("storage-used", scan.next() * layout.chunkSize());
            } catch (BlockException e) {
                unreadable.add("table");
                LOG.warn("How much storage is used is not known: {}", e.getMessage());
            }
        }
    }
}
