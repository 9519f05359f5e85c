// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.addcow.AddCowHeader.NamePlace;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Node;
import io.loomblock.driver.SectorWriter;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.BufferPool;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The header and the names behind it, as they are in the file.
 *
 * <p>The first sector is read, changed and written back as a whole, so that what else stands in it survives.
 */
final class HeaderStore {
    private final Node file;
    private final BufferPool pool;
    private volatile @Nullable BlockException failure;

    HeaderStore(Node file, BufferPool pool) {
        this.file = file;
        this.pool = pool;
    }

    /** The failed write after which nobody knows what the first sector holds, until it is read again; null normally. */
    @Nullable
    BlockException failure() {
        return failure;
    }

    /**
     * Reads the header.
     *
     * @throws BlockException EINVAL if the file is too short or no add-cow image, else of the read
     */
    AddCowHeader read() throws BlockException {
        if (file.length() < AddCowHeader.BYTES) {
            throw new BlockException(Errno.EINVAL, "Failed to read add-cow header: the file is too short");
        }
        try (AlignedBuffer buffer = pool.acquireReserved(AddCowHeader.BYTES)) {
            file.coReadv(0, IoVector.of(buffer));
            failure = null;
            return AddCowHeader.decode(buffer);
        }
    }

    /**
     * Reads a name, whose place was validated.
     *
     * @throws BlockException EINVAL for a name that no file can have, else of the read
     */
    String readName(NamePlace place) throws BlockException {
        byte[] name = new byte[(int) place.size()];
        try (AlignedBuffer buffer = pool.acquireReserved(name.length)) {
            file.readFully(place.offset(), buffer, name.length);
            buffer.get(0, name, 0, name.length);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Failed to read a file name in the add-cow header", e);
        }
        return decode(name);
    }

    private static String decode(byte[] name) throws BlockException {
        try {
            String decoded = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(name))
                    .toString();
            if (decoded.indexOf('\0') >= 0) {
                throw new BlockException(Errno.EINVAL, "A file name in the add-cow header contains a NUL byte");
            }
            return decoded;
        } catch (CharacterCodingException e) {
            throw new BlockException(Errno.EINVAL, "A file name in the add-cow header is not valid UTF-8", e);
        }
    }

    /** Writes a name to a place that nothing refers to yet; durable when this returns. */
    void writeName(NamePlace place, byte[] name) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(name.length)) {
            buffer.put(0, name, 0, name.length);
            file.debugEvent(DebugEvent.BACKING_UPDATE);
            SectorWriter.write(file, place.offset(), IoVector.of(buffer));
            file.flush();
        }
    }

    /**
     * Writes the header, in one sector; durable when this returns. A crash leaves the old one or the new one.
     *
     * @throws BlockException of the write: the old header is there still, unless there is a {@link #failure} from now on
     */
    void write(AddCowHeader header) throws BlockException {
        try (AlignedBuffer buffer = pool.acquireReserved(2 * AddCowLayout.SECTOR)) {
            IoVector next = IoVector.of(buffer, 0, AddCowLayout.SECTOR);
            IoVector old = IoVector.of(buffer, AddCowLayout.SECTOR, AddCowLayout.SECTOR);
            file.coReadv(0, old);
            buffer.copyTo(AddCowLayout.SECTOR, buffer, 0, AddCowLayout.SECTOR);
            header.encode(buffer);
            file.debugEvent(DebugEvent.HEADER_UPDATE);
            replace(old, next);
            file.flush();
        }
    }

    private void replace(IoVector old, IoVector next) throws BlockException {
        try {
            SectorWriter.write(file, 0, next);
        } catch (BlockException e) {
            putBack(old, e);
            throw e;
        }
    }

    private void putBack(IoVector old, BlockException cause) {
        try {
            SectorWriter.write(file, 0, old);
        } catch (BlockException e) {
            cause.addSuppressed(e);
            if (!SectorWriter.isIntact(cause) || !SectorWriter.isIntact(e)) {
                failure = cause;
            }
        }
    }
}
