// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RequestLog.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a node checks before a driver sees a request. */
class NodeTest {
    private static final int SIZE = 8192;

    private static void assertErrno(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    /** A disk of {@link #SIZE} bytes that does not grow. */
    private static Node fixed(OpenOptions access) throws BlockException {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        BlockDriver disk = new ForwardingDriver(memory) {
            @Override
            public boolean growable() {
                return false;
            }
        };
        return new Node("disk", disk, Map.of(), access);
    }

    private static Node growing() throws BlockException {
        return new Node("file", new MemoryDriver(), Map.of(), OpenOptions.readWrite());
    }

    private static IoVector vector(int size, int value) throws BlockException {
        AlignedBuffer buffer = AlignedBuffer.allocate(size);
        buffer.fill(0, size, (byte) value);
        return IoVector.of(buffer);
    }

    /** What the upper one of two drivers says is refreshed after the lower one, and a failure of that undoes nothing. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReopeningThatIsDoneDoesNotFail(boolean writable) throws Exception {
        List<String> asked = new ArrayList<>();
        Node below = new Node("file", new Talkative("file", asked), Map.of(), access(!writable));
        Node node = new Node("image", new Talkative("image", asked), Map.of(Node.FILE, below), access(!writable));
        asked.clear();
        node.reopen(writable);
        assertThat(asked).containsExactly("file", "image");
        assertThat(node.readOnly()).isNotEqualTo(writable);
        assertThat(below.readOnly()).isNotEqualTo(writable);
        node.close();
    }

    private static OpenOptions access(boolean writable) {
        return writable ? OpenOptions.readWrite() : OpenOptions.readOnly();
    }

    /** Notes when it is asked for its length, and once reopened does not know it. */
    private static final class Talkative extends ForwardingDriver {
        private final String name;
        private final List<String> asked;
        private boolean reopened;

        Talkative(String name, List<String> asked) {
            super(new MemoryDriver());
            this.name = name;
            this.asked = asked;
        }

        @Override
        public long length() throws BlockException {
            asked.add(name);
            if (reopened) {
                throw new BlockException(Errno.EIO);
            }
            return super.length();
        }

        @Override
        public void reopenCommit() {
            super.reopenCommit();
            reopened = true;
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 8192", "0, 1", "8191, 1", "8192, 0", "0, 0", "4095, 4097"})
    void requestsInsideSucceed(long offset, int bytes) throws Exception {
        try (Node node = fixed(OpenOptions.readWrite())) {
            IoVector memory = vector(SIZE, 7);
            node.coWritev(offset, bytes, memory, 0, 0);
            node.coReadv(offset, bytes, memory, 0, 0);
            node.coWriteZeroes(offset, bytes, 0);
            node.coDiscard(offset, bytes);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 8193",
        "8191, 2",
        "8192, 1",
        "8193, 0",
        "-1, 1",
        "-1, 0",
        "9223372036854775807, 1",
        "9223372036854775807, 0",
        "9223372036854771712, 4096"
    })
    void requestsOutsideFailWithEioAndMoveNothing(long offset, int bytes) throws Exception {
        try (Node node = fixed(OpenOptions.readWrite())) {
            IoVector memory = vector(16384, 7);
            assertErrno(Errno.EIO, () -> node.coWritev(offset, bytes, memory, 0, 0));
            assertErrno(Errno.EIO, () -> node.coReadv(offset, bytes, memory, 0, 0));
            assertErrno(Errno.EIO, () -> node.coWriteZeroes(offset, bytes, 0));
            assertErrno(Errno.EIO, () -> node.coDiscard(offset, bytes));
            assertThat(memory.isZero(0, 1)).isFalse();
            IoVector all = vector(SIZE, 1);
            node.coReadv(0, all);
            assertThat(all.isZero(0, SIZE)).isTrue();
        }
    }

    @Test
    void negativeLengthsFailWithEio() throws Exception {
        try (Node node = fixed(OpenOptions.readWrite())) {
            IoVector memory = vector(512, 7);
            assertErrno(Errno.EIO, () -> node.coReadv(0, -1, memory, 0, 0));
            assertErrno(Errno.EIO, () -> node.coWriteZeroes(0, Long.MIN_VALUE, 0));
        }
    }

    @Test
    void aFailureNamesTheNodeTheRequestAndTheOffset() throws Exception {
        try (Node node = fixed(OpenOptions.readWrite())) {
            assertThatThrownBy(() -> node.coReadv(8192, vector(1, 0)))
                    .hasMessage("disk: read at offset 8192: Input/output error");
        }
    }

    @Test
    void whateverChangesAReadOnlyNodeFailsWithEperm() throws Exception {
        try (Node node = fixed(OpenOptions.readOnly())) {
            IoVector memory = vector(512, 7);
            assertErrno(Errno.EPERM, () -> node.coWritev(0, memory));
            assertErrno(Errno.EPERM, () -> node.coWriteZeroes(0, 512, 0));
            assertErrno(Errno.EPERM, () -> node.coDiscard(0, 512));
            assertErrno(Errno.EPERM, () -> node.truncate(0, true, PreallocationMode.OFF));
            assertErrno(Errno.EPERM, () -> node.changeBackingFile(null, null));
            assertErrno(Errno.EPERM, node::makeEmpty);
            // Read-only comes before bounds.
            assertErrno(Errno.EPERM, () -> node.coWritev(SIZE, memory));
            node.flush();
            node.coReadv(0, memory);
        }
    }

    @Test
    void afterCloseEverythingFailsWithEbadfAndCloseDoesNothing() throws Exception {
        Node node = fixed(OpenOptions.readWrite());
        node.close();
        node.close();
        IoVector memory = vector(512, 7);
        assertErrno(Errno.EBADF, () -> node.coReadv(0, memory));
        assertErrno(Errno.EBADF, () -> node.coWritev(0, memory));
        assertErrno(Errno.EBADF, () -> node.coWriteZeroes(0, 1, 0));
        assertErrno(Errno.EBADF, () -> node.coDiscard(0, 1));
        assertErrno(Errno.EBADF, node::flush);
        assertErrno(Errno.EBADF, () -> node.blockStatus(0, 1));
        assertErrno(Errno.EBADF, () -> node.truncate(1, true, PreallocationMode.OFF));
    }

    @Test
    void aFileThatGrowsReadsAsZerosPastItsEnd() throws Exception {
        try (Node node = growing()) {
            node.coWritev(0, vector(1000, 7));
            IoVector memory = vector(4096, 9);
            node.coReadv(512, memory);
            assertThat(memory.buffer(0).getByte(487)).isEqualTo((byte) 7);
            assertThat(memory.isZero(488, 4096 - 488)).isTrue();
            memory.fill(0, 4096, (byte) 9);
            node.coReadv(1L << 40, memory);
            assertThat(memory.isZero(0, 4096)).isTrue();
            assertThat(node.length()).isEqualTo(1000);
        }
    }

    @Test
    void aFileThatGrowsHasAnEndAllTheSame() throws Exception {
        try (Node node = growing()) {
            IoVector memory = vector(512, 9);
            assertErrno(Errno.EIO, () -> node.coReadv(Long.MAX_VALUE - 512, memory));
            assertErrno(Errno.EIO, () -> node.coWriteZeroes(0, Long.MAX_VALUE, 0));
        }
    }

    @Test
    void statusEndsAtTheEndAndSaysSo() throws Exception {
        try (Node node = fixed(OpenOptions.readOnly())) {
            BlockStatus status = node.blockStatus(4096, 1L << 40);
            assertThat(status.length()).isEqualTo(4096);
            assertThat(status.flags() & BlockStatus.EOF).isNotZero();
            assertThat(node.blockStatus(8192, 1)).isEqualTo(BlockStatus.of(BlockStatus.EOF, 0));
            assertThat(node.blockStatus(0, 0).length()).isZero();
        }
    }

    /** Who asks again from where the answer ends would ask for ever, or go on past what he asked for. */
    @ParameterizedTest
    @ValueSource(longs = {0, -1, SIZE + 1, Long.MIN_VALUE})
    void aStatusOfNothingOrOfTooMuchIsAnError(long told) throws Exception {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        BlockDriver wrong = new ForwardingDriver(memory) {
            @Override
            public BlockStatus blockStatus(long offset, long bytes) {
                return BlockStatus.of(0, told);
            }
        };
        Node base = new Node("base", new MemoryDriver(), Map.of(), OpenOptions.readWrite());
        base.coWritev(0, vector(SIZE, 1));
        OpenOptions copying = OpenOptions.readWrite().withCopyOnRead(true);
        try (Node node = new Node("disk", wrong, Map.of(Node.BACKING, base), copying)) {
            assertErrno(Errno.EIO, () -> node.blockStatus(0, SIZE));
            assertErrno(Errno.EIO, () -> node.coReadv(0, vector(SIZE, 0)));
        }
    }

    @Test
    void aFailedFlushIsForGood() throws Exception {
        FaultDriver faulty = new FaultDriver(new MemoryDriver());
        try (Node node = new Node("file", faulty, Map.of(), OpenOptions.readWrite())) {
            IoVector memory = vector(512, 7);
            node.coWritev(0, memory);
            faulty.arm(FaultDriver.Fault.once(request -> request.kind() == Kind.FLUSH));
            assertErrno(Errno.EIO, node::flush);
            assertErrno(Errno.EIO, node::flush);
            assertErrno(Errno.EIO, () -> node.coWritev(0, memory));
            node.coReadv(0, memory);
            assertThat(node.flushFailure()).isNotNull();
        } catch (BlockException e) {
            // Close flushes too, and says so.
            assertThat(e.errno()).isEqualTo(Errno.EIO);
        }
    }

    @Test
    void anErrnoOfAFailedFlushStays() throws Exception {
        FaultDriver faulty = new FaultDriver(new MemoryDriver());
        Node node = new Node("file", faulty, Map.of(), OpenOptions.readWrite());
        node.coWritev(0, vector(512, 7));
        faulty.arm(
                FaultDriver.Fault.once(request -> request.kind() == Kind.FLUSH).with(Errno.ENOSPC));
        assertErrno(Errno.ENOSPC, node::flush);
        assertErrno(Errno.ENOSPC, node::flush);
        assertErrno(Errno.ENOSPC, () -> node.coWriteZeroes(0, 512, 0));
        assertErrno(Errno.ENOSPC, node::close);
    }

    @Test
    void aFlushCoversChangesOfTheHeaderToo() throws Exception {
        int[] flushes = new int[1];
        BlockDriver counting = new ForwardingDriver(new MemoryDriver()) {
            @Override
            public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
                if (name == null) {
                    throw new BlockException(Errno.EIO);
                }
            }

            @Override
            public void flushToDisk() {
                flushes[0]++;
            }
        };
        try (Node node = new Node("disk", counting, Map.of(), OpenOptions.readWrite())) {
            node.changeBackingFile("base", "raw");
            node.flush();
            assertThat(flushes[0]).isEqualTo(1);
            assertErrno(Errno.EIO, () -> node.changeBackingFile(null, null));
            node.flush();
            assertThat(flushes[0]).as("a part may have been written").isEqualTo(2);
        }
    }

    @Test
    void fuaIsAFlushWhereTheDriverDoesNotKnowIt() throws Exception {
        int[] flushes = new int[1];
        BlockDriver counting = new ForwardingDriver(new MemoryDriver()) {
            @Override
            public void flushToDisk() {
                flushes[0]++;
            }
        };
        try (Node node = new Node("file", counting, Map.of(), OpenOptions.readWrite())) {
            IoVector memory = vector(512, 7);
            node.coWritev(0, 512, memory, 0, RequestFlags.FUA);
            assertThat(flushes[0]).isEqualTo(1);
            node.coWriteZeroes(0, 512, RequestFlags.FUA);
            assertThat(flushes[0]).isEqualTo(2);
            node.flush();
            assertThat(flushes[0]).as("nothing was written since").isEqualTo(2);
        }
    }

    @Test
    void closeReleasesTheChildrenWhenTheDriverFails() throws Exception {
        boolean[] closed = new boolean[1];
        BlockDriver below = new ForwardingDriver(new MemoryDriver()) {
            @Override
            public void close() {
                closed[0] = true;
            }
        };
        Node child = new Node("file", below, Map.of(), OpenOptions.readWrite());
        BlockDriver failing = new ForwardingDriver(new MemoryDriver()) {
            @Override
            public void close() throws BlockException {
                throw new BlockException(Errno.ENOSPC);
            }
        };
        Node node = new Node("disk", failing, Map.of(Node.FILE, child), OpenOptions.readWrite());
        assertErrno(Errno.ENOSPC, node::close);
        assertThat(closed[0]).isTrue();
        node.close();
    }

    @Test
    void theHighestByteWrittenIsKept() throws Exception {
        try (Node node = growing()) {
            node.coWritev(1000, vector(512, 1));
            node.coWritev(0, vector(512, 1));
            assertThat(node.highestWritten()).isEqualTo(1512);
            node.coWriteZeroes(4096, 4096, 0);
            assertThat(node.highestWritten()).isEqualTo(8192);
        }
    }

    @Test
    void withoutFlushesTheDiskIsNotAskedForAnything() throws Exception {
        List<String> asked = new ArrayList<>();
        BlockDriver driver = new ForwardingDriver(new MemoryDriver()) {
            @Override
            public void flushToOs() {
                asked.add("system");
            }

            @Override
            public void flushToDisk() {
                asked.add("disk");
            }
        };
        OpenOptions unsafe = OpenOptions.readWrite().withCache(CacheMode.UNSAFE);
        try (Node node = new Node("disk", driver, Map.of(), unsafe)) {
            node.coWriteZeroes(0, 512, 0);
            node.flush();
            assertThat(asked).containsExactly("system");
        }
        assertThat(asked).doesNotContain("disk");
    }
}
