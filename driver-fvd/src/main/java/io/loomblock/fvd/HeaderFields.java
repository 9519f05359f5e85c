// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads and writes single fields of a header in memory.
 *
 * <p>A field that means already what it shall mean is left alone: bytes behind the NUL of a string, and booleans that are neither 0 nor 1,
 * survive. spec: fvd.md section 2.
 */
record HeaderFields(AlignedBuffer bytes) {
    /** A number of 64 bits that has to be below 2^63. */
    long getSize(int at, String name) throws BlockException {
        long value = bytes.getLong(at);
        if (value < 0) {
            throw new BlockException(Errno.EINVAL, "FVD " + name + " is out of range");
        }
        return value;
    }

    boolean getBoolean(int at) {
        return bytes.getInt(at) != 0;
    }

    void putBoolean(int at, boolean value) {
        if (getBoolean(at) != value) {
            bytes.putInt(at, value ? 1 : 0);
        }
    }

    /**
     * A string that ends with a NUL inside of its field.
     *
     * @throws BlockException EINVAL if it does not, or is no UTF-8
     */
    String getString(int at, int size, String name) throws BlockException {
        byte[] field = field(at, size);
        int length = length(field);
        if (length == size) {
            throw new BlockException(Errno.EINVAL, "FVD " + name + " has no end");
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(field, 0, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new BlockException(Errno.EINVAL, "FVD " + name + " is not valid UTF-8", e);
        }
    }

    /** Puts a string that is known to fit. */
    void putString(int at, int size, String value) {
        byte[] encoded = value.getBytes(StandardCharsets.UTF_8);
        if (encoded.length >= size) {
            throw new IllegalArgumentException("a string of " + encoded.length + " bytes in a field of " + size);
        }
        byte[] old = field(at, size);
        int oldLength = length(old);
        if (oldLength == size || !java.util.Arrays.equals(old, 0, oldLength, encoded, 0, encoded.length)) {
            bytes.fill(at, size, (byte) 0);
            bytes.put(at, encoded, 0, encoded.length);
        }
    }

    private byte[] field(int at, int size) {
        byte[] field = new byte[size];
        bytes.get(at, field, 0, size);
        return field;
    }

    private static int length(byte[] field) {
        int length = 0;
        while (length < field.length && field[length] != 0) {
            length++;
        }
        return length;
    }
}
