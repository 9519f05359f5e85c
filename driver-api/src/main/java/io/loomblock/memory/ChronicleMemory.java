// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.nio.ByteBuffer;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.core.OS;
import org.jspecify.annotations.Nullable;

/** The door to Chronicle Bytes: wraps direct memory, and says in one line what to do on a JVM that does not let it in. */
final class ChronicleMemory {
    static final int PAGE = 4096;

    private static final String FLAGS = "--add-exports java.base/sun.nio.ch=ALL-UNNAMED"
            + " --add-exports java.base/jdk.internal.ref=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow";

    private ChronicleMemory() {}

    /**
     * Fresh zeroed direct memory, aligned to {@value #PAGE} bytes, of exactly {@code size} bytes.
     *
     * @throws BlockException ENOMEM if there is no memory, ENOSYS if Chronicle Bytes cannot work on this JVM
     */
    static ByteBuffer allocate(int size) throws BlockException {
        if (size < 0 || size > Integer.MAX_VALUE - 2 * PAGE) {
            throw new BlockException(Errno.ENOMEM, "Cannot allocate a buffer of " + size + " bytes");
        }
        // alignedSlice rounds both ends inwards, so the capacity asked for is a multiple of the page plus one page.
        int rounded = Math.max(PAGE, (size + PAGE - 1) & -PAGE);
        try {
            return ByteBuffer.allocateDirect(rounded + PAGE)
                    .alignedSlice(PAGE)
                    .limit(size)
                    .slice(0, size);
        } catch (OutOfMemoryError e) {
            throw new BlockException(Errno.ENOMEM, "Cannot allocate " + size + " bytes of direct memory", e);
        }
    }

    /** Wraps direct memory. The store is never released by itself: releasing it could free the memory under the buffer. */
    static BytesStore<?, ByteBuffer> wrap(ByteBuffer direct) throws BlockException {
        if (Holder.FAILURE != null) {
            throw new BlockException(
                    Errno.ENOSYS,
                    "Chronicle Bytes cannot be used on this JVM; start java with " + FLAGS,
                    Holder.FAILURE);
        }
        return BytesStore.wrap(direct);
    }

    /** Tries Chronicle once; what it throws on a JVM that closes its doors differs by version, so everything is caught. */
    private static final class Holder {
        static final @Nullable Throwable FAILURE = tryOut();

        private static @Nullable Throwable tryOut() {
            try {
                BytesStore<?, ByteBuffer> store = BytesStore.wrap(ByteBuffer.allocateDirect(8));
                store.writeLong(0, 42);
                OS.memory().setMemory(store.addressForWrite(0), 8, (byte) 0);
                return store.readLong(0) == 0
                        ? null
                        : new IllegalStateException("memory does not hold what is written");
            } catch (Exception | LinkageError e) {
                return e;
            }
        }
    }
}
