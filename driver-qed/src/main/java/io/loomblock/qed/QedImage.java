// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import io.loomblock.Errno;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingReference;
import io.loomblock.driver.Node;
import io.loomblock.driver.WriteGuard;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is known of an image once it is open: header, layout, space and tables, as one, so that it can be dropped and read anew
 * as one. spec: qed.md sections 8 and 11.
 *
 * @param header in memory and in the file
 * @param layout where things lie
 * @param space where new clusters come from
 * @param tables both levels
 * @param guard forbids writes after metadata was lost
 */
record QedImage(HeaderStore header, QedLayout layout, ClusterSpace space, MetadataTables tables, WriteGuard guard) {

    /**
     * Reads an image, and where it is ours to write, clears unknown autoclear bits and repairs it if it was not closed in order.
     *
     * @param backingOpen whether unallocated areas read through to a backing file
     * @param ours whether the image may be written, and is this process's to write
     */
    static QedImage read(Node file, OpenOptions options, boolean backingOpen, boolean ours) throws BlockException {
        QedHeader header = HeaderStore.read(file, options.pool());
        long fileLength = file.length();
        QedLayout layout = header.validate(fileLength);
        long fileEnd = layout.wholeClusters(fileLength);
        WriteGuard guard = new WriteGuard();
        HeaderStore store = new HeaderStore(file, options.pool(), guard, header);
        if (ours) {
            clearAutoclear(file, store);
            if (store.needsCheck() && !options.check()) {
                repair(file, store, layout, fileEnd, options);
            }
        }
        L1Table l1 = L1Table.load(file, layout, header.imageSize(), fileEnd);
        ClusterSpace space = new ClusterSpace(file, layout, fileEnd);
        // An entry must not become durable before its copy-on-write is; without a backing file the bit makes up for
        // that.
        MetadataTables.Barrier barrier = backingOpen ? file::flush : store::setNeedCheck;
        MetadataTables tables = new MetadataTables(file, layout, l1, fileEnd, space, barrier, guard, options);
        return new QedImage(store, layout, space, tables, guard);
    }

    private static void clearAutoclear(Node file, HeaderStore store) throws BlockException {
        if (store.get().autoclearFeatures() != 0) {
            try {
                store.update(QedHeader::withoutAutoclear);
                file.flush();
            } catch (BlockException e) {
                throw new BlockException(e.errno(), "Failed to update header", e);
            }
        }
    }

    /** Repairs an image that was not closed in order. It looks first: an image that cannot be repaired stays as it is. */
    private static void repair(Node file, HeaderStore store, QedLayout layout, long fileEnd, OpenOptions options)
            throws BlockException {
        QedChecker look = checker(file, store, layout, fileEnd, FixMode.NONE, options);
        CheckResult found = look.run();
        if (found.checkErrors() == 0 && found.corruptions() == look.fixable()) {
            found = found.corruptions() == 0
                    ? found
                    : checker(file, store, layout, fileEnd, FixMode.ALL, options)
                            .run();
        }
        if (!isSound(found)) {
            throw new BlockException(Errno.EIO, "Image corrupted");
        }
        clearNeedCheck(file, store);
    }

    /** Checks the tables in the file; a repair that leaves nothing wrong clears the need-check bit. */
    static CheckResult check(
            Node file, HeaderStore store, QedLayout layout, long fileEnd, FixMode fix, OpenOptions options)
            throws BlockException {
        CheckResult result = checker(file, store, layout, fileEnd, fix, options).run();
        if (fix.errors() && isSound(result)) {
            clearNeedCheck(file, store);
        }
        return result;
    }

    /** Leaks are wasted space, and nothing worse. */
    static boolean isSound(CheckResult result) {
        return result.corruptions() == 0 && result.checkErrors() == 0;
    }

    private static void clearNeedCheck(Node file, HeaderStore store) throws BlockException {
        file.flush();
        store.clearNeedCheck();
        file.flush();
    }

    private static QedChecker checker(
            Node file, HeaderStore store, QedLayout layout, long fileEnd, FixMode fix, OpenOptions options) {
        long imageSize = store.get().imageSize();
        return new QedChecker(file, layout, imageSize, fileEnd, fix, options.pool(), options.metadataBudget());
    }

    /**
     * The backing file as the header records it, or null.
     *
     * @throws BlockException EINVAL for a name that no file can have, else of the read
     */
    static @Nullable BackingReference readBackingReference(Node file, QedHeader header, OpenOptions options)
            throws BlockException {
        int size = (int) header.backingFilenameSize();
        if (!header.has(QedHeader.BACKING_FILE) || size == 0) {
            return null;
        }
        byte[] name = new byte[size];
        try (AlignedBuffer buffer = options.pool().acquireReserved(size)) {
            file.coReadv(header.backingFilenameOffset(), IoVector.of(buffer));
            buffer.get(0, name, 0, size);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Failed to read backing filename", e);
        }
        return new BackingReference(decodeName(name), header.has(QedHeader.BACKING_FORMAT_NO_PROBE) ? "raw" : null);
    }

    private static String decodeName(byte[] name) throws BlockException {
        try {
            String decoded = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(name))
                    .toString();
            if (decoded.indexOf('\0') >= 0) {
                throw new BlockException(Errno.EINVAL, "QED backing filename contains a NUL byte");
            }
            return decoded;
        } catch (CharacterCodingException e) {
            throw new BlockException(Errno.EINVAL, "QED backing filename is not valid UTF-8", e);
        }
    }
}
