// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.LayeredStatus;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Looks at a whole disk from the guest's side. */
public final class Guest {
    private static final int PIECE = 1 << 20;
    private static final byte[] ZEROS = new byte[PIECE];

    private Guest() {}

    /** Called with each stretch of the disk, in order. */
    private interface Part {
        /** {@code data} is null for zeros. */
        void take(long offset, int length, ByteBuffer data);
    }

    /** SHA-256 of all bytes of the disk, in hex. */
    public static String sha256(BlockDevice device) throws BlockException {
        MessageDigest digest = digest();
        walk(device, (offset, length, data) -> {
            if (data == null) {
                digest.update(ZEROS, 0, length);
            } else {
                digest.update(data);
            }
        });
        return HexFormat.of().formatHex(digest.digest());
    }

    /** A hash that is the same for disks of the same size and content, and quick for large empty ones. */
    public static String fingerprint(BlockDevice device) throws BlockException {
        MessageDigest digest = digest();
        digest.update(Long.toString(device.length()).getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        ByteBuffer position = ByteBuffer.allocate(Long.BYTES);
        walk(device, (offset, length, data) -> {
            for (int at = 0; data != null && at < length; at += 512) {
                ByteBuffer sector = data.slice(at, Math.min(512, length - at));
                if (sector.mismatch(ByteBuffer.wrap(ZEROS, 0, sector.remaining())) >= 0) {
                    digest.update(position.putLong(0, offset + at).rewind());
                    digest.update(sector);
                }
            }
        });
        return HexFormat.of().formatHex(digest.digest());
    }

    /** All bytes; for small disks. */
    public static byte[] bytes(BlockDevice device) throws BlockException {
        byte[] all = new byte[Math.toIntExact(device.length())];
        device.read(0, ByteBuffer.wrap(all));
        return all;
    }

    /** Some bytes. */
    public static byte[] read(BlockDevice device, long offset, int length) throws BlockException {
        byte[] bytes = new byte[length];
        device.read(offset, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Writes {@code length} bytes of this value. */
    public static void write(BlockDevice device, long offset, long length, int value) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate((int) Math.min(length, PIECE))) {
            buffer.fill(0, buffer.capacity(), (byte) value);
            for (long done = 0; done < length; ) {
                int n = (int) Math.min(length - done, buffer.capacity());
                device.write(offset + done, IoVector.of(buffer, 0, n));
                done += n;
            }
        }
    }

    /** Fails unless all {@code length} bytes from {@code offset} on have this value. */
    public static void expect(BlockDevice device, long offset, long length, int value) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate((int) Math.min(length, PIECE))) {
            for (long done = 0; done < length; ) {
                int n = (int) Math.min(length - done, buffer.capacity());
                device.read(offset + done, IoVector.of(buffer, 0, n));
                for (int i = 0; i < n; i++) {
                    if (buffer.getByte(i) != (byte) value) {
                        throw new AssertionError(String.format(
                                "byte at %d is %02x, not %02x", offset + done + i, buffer.getByte(i), value & 0xff));
                    }
                }
                done += n;
            }
        }
    }

    private static void walk(BlockDevice device, Part part) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(PIECE)) {
            long length = device.length();
            for (long at = 0; at < length; ) {
                LayeredStatus status = device.layeredStatus(at, length - at);
                long end = at + status.status().length();
                while (at < end) {
                    int n = (int) Math.min(PIECE, end - at);
                    if (status.status().isZero()) {
                        part.take(at, n, null);
                    } else {
                        device.read(at, IoVector.of(buffer, 0, n));
                        part.take(at, n, buffer.nio(0, n));
                    }
                    at += n;
                }
            }
        }
    }

    /** SHA-256. */
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** One line of {@code qemu-img map --output=json}. */
    public record Extent(long start, long length, int depth, boolean present, boolean zero, boolean data, long offset) {
        private boolean continuedBy(Extent next) {
            boolean alike = depth == next.depth && present == next.present && zero == next.zero && data == next.data;
            boolean follows = offset < 0 ? next.offset < 0 : next.offset == offset + length;
            return alike && follows;
        }
    }

    /** The map of a disk, neighbours that are alike put together as {@code qemu-img map} does. */
    public static List<Extent> map(BlockDevice device) throws BlockException {
        List<Extent> extents = new ArrayList<>();
        long length = device.length();
        for (long at = 0; at < length; ) {
            LayeredStatus layered = device.layeredStatus(at, length - at);
            BlockStatus status = layered.status();
            Extent next = new Extent(
                    at,
                    status.length(),
                    layered.depth(),
                    status.isAllocated(),
                    status.isZero(),
                    status.isData(),
                    status.hasHostOffset() ? status.hostOffset() : -1);
            Extent last = extents.isEmpty() ? null : extents.get(extents.size() - 1);
            if (last != null && last.continuedBy(next)) {
                extents.set(
                        extents.size() - 1,
                        new Extent(
                                last.start,
                                last.length + next.length,
                                last.depth,
                                last.present,
                                last.zero,
                                last.data,
                                last.offset));
            } else {
                extents.add(next);
            }
            at += status.length();
        }
        return extents;
    }
}
