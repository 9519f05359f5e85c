// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;

/** Contents that are computed: random bytes in some blocks of 64 KiB, zeros in the others and past the end. */
final class MadeContents implements Contents {
    private static final int BLOCK = 64 << 10;
    /** One block of so many has data. */
    private static final int SPARSENESS = 5;

    private final long seed;
    private final long length;

    /** {@code length} in bytes; zeros follow. */
    MadeContents(long seed, long length) {
        this.seed = seed;
        this.length = length;
    }

    @Override
    public void read(long offset, ByteBuffer target) {
        while (target.hasRemaining()) {
            int inBlock = (int) (offset % BLOCK);
            int n = Math.min(target.remaining(), BLOCK - inBlock);
            int data = (int) Math.min(n, Math.max(0, length - offset));
            if (hasData(offset / BLOCK) && data > 0) {
                target.put(block(offset / BLOCK), inBlock, data);
            } else {
                data = 0;
            }
            target.put(new byte[n - data]);
            offset += n;
        }
    }

    @Override
    public long zeros(long offset, long limit) {
        long end = offset;
        while (end - offset < limit && (end >= length || !hasData(end / BLOCK))) {
            end = end >= length ? offset + limit : (end / BLOCK + 1) * BLOCK;
        }
        return Math.min(end - offset, limit);
    }

    /**
     * Writes a raw image without the driver's help.
     *
     * @param size of the file, at least the length of these contents
     */
    void writeTo(Path file, long size) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < length; at += BLOCK) {
                if (hasData(at / BLOCK)) {
                    ByteBuffer block = ByteBuffer.allocate((int) Math.min(BLOCK, length - at));
                    read(at, block);
                    writeFully(channel, block.flip(), at);
                }
            }
            if (channel.size() < size) {
                writeFully(channel, ByteBuffer.allocate(1), size - 1);
            }
        }
    }

    /**
     * Looks at a raw image without the driver's help.
     *
     * @return where it first differs from these contents, or -1
     */
    long firstDifference(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer expected = ByteBuffer.allocate(BLOCK);
            ByteBuffer found = ByteBuffer.allocate(BLOCK);
            for (long at = 0; at < channel.size(); at += BLOCK) {
                found.clear().limit((int) Math.min(BLOCK, channel.size() - at));
                expected.clear().limit(found.limit());
                read(at, expected);
                for (int got = 0; found.hasRemaining() && got >= 0; ) {
                    got = channel.read(found, at + found.position());
                }
                int difference = expected.flip().mismatch(found.flip());
                if (difference >= 0) {
                    return at + difference;
                }
            }
            return -1;
        }
    }

    private boolean hasData(long block) {
        return new SplittableRandom(seed + block).nextInt(SPARSENESS) == 0;
    }

    private byte[] block(long index) {
        byte[] bytes = new byte[BLOCK];
        new SplittableRandom(~seed ^ index).nextBytes(bytes);
        return bytes;
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes, long at) throws IOException {
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }
}
