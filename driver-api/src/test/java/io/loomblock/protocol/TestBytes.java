// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Shorthand for reading, writing and failing. */
final class TestBytes {
    private TestBytes() {}

    static void write(Node node, long offset, byte[] data) throws BlockException {
        AlignedBuffer memory = AlignedBuffer.allocate(data.length);
        memory.put(0, data, 0, data.length);
        node.coWritev(offset, IoVector.of(memory));
    }

    static void write(Node node, long offset, int length, int value) throws BlockException {
        AlignedBuffer memory = AlignedBuffer.allocate(length);
        memory.fill(0, length, (byte) value);
        node.coWritev(offset, IoVector.of(memory));
    }

    static byte[] read(Node node, long offset, int length) throws BlockException {
        AlignedBuffer memory = AlignedBuffer.allocate(length);
        memory.fill(0, length, (byte) 0x5a);
        node.coReadv(offset, IoVector.of(memory));
        byte[] data = new byte[length];
        memory.get(0, data, 0, length);
        return data;
    }

    static BlockException assertFails(Errno errno, ThrowingCallable call) {
        BlockException[] thrown = new BlockException[1];
        assertThatThrownBy(call).isInstanceOfSatisfying(BlockException.class, e -> {
            assertThat(e.errno()).as(e.toString()).isEqualTo(errno);
            thrown[0] = e;
        });
        return thrown[0];
    }
}
