// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;

/** What a guest's write stores, and how: bytes, or zeros. */
sealed interface Payload {
    /** Whether chunks need storage for it. */
    boolean needsStorage();

    /** Where chunks need storage, they have it. */
    void store(DataArea area) throws BlockException;

    /** How many bytes {@link #copyTo} puts; 0 if this is not to be copied. */
    int copiedBytes();

    /** Puts the bytes into memory, so that what is around them can be stored along with them. */
    void copyTo(AlignedBuffer target, int targetOffset);

    /**
     * The caller's memory.
     *
     * @param pos on the disk
     * @param qiovOffset where the bytes start in the vector
     */
    record Data(long pos, int bytes, IoVector qiov, int qiovOffset) implements Payload {
        @Override
        public boolean needsStorage() {
            return true;
        }

        @Override
        public void store(DataArea area) throws BlockException {
            area.write(pos, bytes, qiov, qiovOffset);
        }

        @Override
        public int copiedBytes() {
            return bytes;
        }

        @Override
        public void copyTo(AlignedBuffer target, int targetOffset) {
            qiov.copyTo(qiovOffset, target, targetOffset, bytes);
        }
    }

    /** Zeros: chunks without storage stay so, for they read as zeros once their blocks are not read from the base image. */
    record Zeroes(long pos, long bytes, int flags) implements Payload {
        @Override
        public boolean needsStorage() {
            return false;
        }

        @Override
        public void store(DataArea area) throws BlockException {
            area.writeZeroes(pos, bytes, flags);
        }

        @Override
        public int copiedBytes() {
            return 0;
        }

        @Override
        public void copyTo(AlignedBuffer target, int targetOffset) {
            throw new IllegalStateException("zeros are not copied");
        }
    }
}
