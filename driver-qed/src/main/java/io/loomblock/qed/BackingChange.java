// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Records another backing file in the header, or none. spec: qed.md section 9, E12. */
record BackingChange(QedImage image) {
    /**
     * Writes the reference, durable when this returns.
     *
     * @param name null or empty for none
     * @param format only raw can be recorded; any other is probed
     * @throws BlockException ENOTSUP in an image with unknown compatible features, ENOSPC if the name does not fit, EINVAL for a name
     *     that no file can have
     */
    void run(@Nullable String name, @Nullable String format) throws BlockException {
        image.guard().check();
        HeaderStore store = image.header();
        QedHeader header = store.get();
        if (name == null || name.isEmpty()) {
            store.updateBacking(header.withBacking(0, QedHeader.BYTES, 0), new byte[0]);
        } else {
            byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
            checkNew(header, name, bytes);
            long flags = QedHeader.BACKING_FILE | ("raw".equals(format) ? QedHeader.BACKING_FORMAT_NO_PROBE : 0);
            store.updateBacking(header.withBacking(flags, place(header, bytes.length), bytes.length), bytes);
        }
    }

    private void checkNew(QedHeader header, String name, byte[] bytes) throws BlockException {
        if (header.compatFeatures() != 0) {
            throw new BlockException(Errno.ENOTSUP);
        }
        if (name.indexOf('\0') >= 0) {
            throw new BlockException(Errno.EINVAL, "Backing file name contains a NUL character");
        }
        if (bytes.length > QedHeader.MAX_NEW_BACKING_NAME
                || QedHeader.BYTES + bytes.length > image.layout().headerBytes()) {
            throw new BlockException(Errno.ENOSPC);
        }
    }

    /** Right after the header; but a name that leaves the first sector must not overwrite the one in use before the header changes. */
    private long place(QedHeader header, int length) {
        boolean inUse = header.has(QedHeader.BACKING_FILE);
        long afterOld = header.backingFilenameOffset() + header.backingFilenameSize();
        boolean fitsSector = QedHeader.BYTES + length <= QedLayout.SECTOR;
        if (fitsSector || !inUse || header.backingFilenameOffset() >= QedHeader.BYTES + length) {
            return QedHeader.BYTES;
        }
        return afterOld + length <= image.layout().headerBytes() ? afterOld : QedHeader.BYTES;
    }
}
