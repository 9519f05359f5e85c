// SPDX-License-Identifier: Apache-2.0
package io.loomblock.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Node;
import io.loomblock.job.ImageConversion.Options;
import io.loomblock.memory.BufferPool;
import io.loomblock.testkit.BlockingDriver;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A conversion copies content, leaves zeros out, keeps several requests in flight and stops at the first failure. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ImageConversionTest {
    private static final int MIB = 1 << 20;
    private static final int CHUNK = BufferPool.MAX_BUFFER;
    private static final int LENGTH = 5 * CHUNK + 512;

    private final BufferPool pool = new BufferPool(64L << 20, 2L << 20);
    private final byte[] content = new byte[LENGTH];
    private final List<String> heard = new ArrayList<>();

    @AfterEach
    void nothingIsHeldBack() {
        assertThat(pool.outstanding()).isZero();
    }

    private void fillAll() {
        new Random(42).nextBytes(content);
    }

    private MemoryDriver source() {
        return new MemoryDriver(SparseBytes.of(content));
    }

    private static MemoryDriver target() {
        SparseBytes bytes = new SparseBytes();
        bytes.truncate(LENGTH);
        return new MemoryDriver(bytes);
    }

    private static BlockDevice device(String name, BlockDriver driver) throws BlockException {
        return BlockDevice.of(new Node(name, driver, Map.of(), OpenOptions.readWrite()), OpenOptions.readWrite());
    }

    private Options options() {
        return new Options(4, false, 4096, true, false, -1, false, 0, pool);
    }

    private Options options(boolean outOfOrder, long minSparse, boolean salvage) {
        return new Options(4, outOfOrder, minSparse, true, false, -1, salvage, 0, pool);
    }

    private void convert(BlockDriver from, BlockDriver to, Options options) throws BlockException {
        ImageConversion.convert(List.of(device("from", from)), device("to", to), options, new Listener());
    }

    private byte[] after(MemoryDriver target) {
        return target.snapshot().toByteArray();
    }

    @Test
    void whatIsZeroIsNotWritten() throws BlockException {
        Arrays.fill(content, 64 << 10, 128 << 10, (byte) 1);
        Arrays.fill(content, 3 * MIB + 100, 3 * MIB + 200, (byte) 2);
        RequestLog log = new RequestLog();
        MemoryDriver target = target();
        convert(source(), new RecordingDriver("to", target, log), options());
        assertThat(after(target)).isEqualTo(content);
        assertThat(log.entries())
                .filteredOn(entry -> entry.kind().changes())
                .extracting(RequestLog.Entry::toString)
                .containsExactly("write to 65536@65536", "write to 4096@" + 3 * MIB);
    }

    @Test
    void everythingIsWrittenWhereNoSparsenessIsWanted() throws BlockException {
        RequestLog log = new RequestLog();
        convert(source(), new RecordingDriver("to", target(), log), options(false, 0, false));
        assertThat(log.entries().stream()
                        .filter(entry -> entry.kind() == Kind.WRITE)
                        .mapToLong(RequestLog.Entry::length)
                        .sum())
                .isEqualTo(LENGTH);
    }

    @Test
    void severalSourcesFollowOneAnother() throws BlockException {
        fillAll();
        byte[] head = Arrays.copyOf(content, MIB + 512);
        byte[] tail = Arrays.copyOfRange(content, MIB + 512, LENGTH);
        MemoryDriver target = target();
        ImageConversion.convert(
                List.of(
                        device("head", new MemoryDriver(SparseBytes.of(head))),
                        device("tail", new MemoryDriver(SparseBytes.of(tail)))),
                device("to", target),
                options(),
                new Listener());
        assertThat(after(target)).isEqualTo(content);
    }

    @Test
    void writesComeInOrder() throws BlockException {
        fillAll();
        RequestLog log = new RequestLog();
        MemoryDriver target = target();
        convert(source(), new RecordingDriver("to", target, log), options());
        assertThat(after(target)).isEqualTo(content);
        assertThat(log.entries().stream()
                        .filter(entry -> entry.kind() == Kind.WRITE)
                        .map(RequestLog.Entry::offset)
                        .toList())
                .isSorted();
        assertThat(log.entries().get(log.size() - 1).kind()).isEqualTo(Kind.FLUSH);
    }

    @Test
    void readsGoOnWhileOneIsHeldUp() throws Exception {
        fillAll();
        BlockingDriver source = new BlockingDriver(source());
        MemoryDriver target = target();
        try (BlockingDriver.Hold first = source.hold(request -> isRead(request, 0));
                BlockingDriver.Hold third = source.hold(request -> isRead(request, 2 * CHUNK))) {
            Thread running = Thread.ofVirtual().start(() -> run(source, target, options()));
            first.awaitHeld();
            third.awaitHeld();
            first.release();
            third.release();
            running.join();
        }
        assertThat(heard).isEmpty();
        assertThat(after(target)).isEqualTo(content);
    }

    @Test
    void writesOvertakeOneAnotherWhereThatIsAllowed() throws Exception {
        fillAll();
        BlockingDriver source = new BlockingDriver(source());
        MemoryDriver memory = target();
        BlockingDriver target = new BlockingDriver(memory);
        try (BlockingDriver.Hold read = source.hold(request -> isRead(request, 0));
                BlockingDriver.Hold write = target.hold(request -> request.offset() == CHUNK)) {
            Thread running = Thread.ofVirtual().start(() -> run(source, target, options(true, 4096, false)));
            read.awaitHeld();
            write.awaitHeld();
            write.release();
            read.release();
            running.join();
        }
        assertThat(after(memory)).isEqualTo(content);
    }

    @Test
    void aReadThatFailsEndsItAndNamesThePlace() {
        fillAll();
        FaultDriver source = new FaultDriver(source());
        source.arm(FaultDriver.Fault.always(request -> isRead(request, CHUNK)));
        assertThatThrownBy(() -> convert(source, target(), options()))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO))
                .hasMessage("error while reading at byte 2097152: Input/output error");
    }

    @Test
    void aWriteThatFailsEndsItAndNamesThePlace() {
        fillAll();
        FaultDriver target = new FaultDriver(target());
        target.arm(FaultDriver.Fault.always(request -> request.kind() == Kind.WRITE && request.offset() >= CHUNK)
                .with(Errno.ENOSPC));
        assertThatThrownBy(() -> convert(source(), target, options()))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC))
                .hasMessage("error while writing at byte 2097152: No space left on device");
        assertThat(target.failures()).isOne();
    }

    @Test
    void aFlushThatFailsIsNotLost() {
        fillAll();
        FaultDriver target = new FaultDriver(target());
        target.arm(FaultDriver.Fault.always(request -> request.kind() == Kind.FLUSH));
        assertThatThrownBy(() -> convert(source(), target, options())).isInstanceOf(BlockException.class);
    }

    @Test
    void salvageLeavesOutOnlyTheSectorsThatCannotBeRead() throws BlockException {
        fillAll();
        long bad = CHUNK + 3 * 512;
        FaultDriver source = new FaultDriver(source());
        source.arm(FaultDriver.Fault.always(request ->
                request.kind() == Kind.READ && request.offset() <= bad && request.offset() + request.length() > bad));
        MemoryDriver target = target();
        convert(source, target, options(false, 4096, true));
        Arrays.fill(content, (int) bad, (int) bad + 512, (byte) 0);
        assertThat(after(target)).isEqualTo(content);
        assertThat(heard).containsExactly("unreadable " + bad);
    }

    @Test
    void anInterruptStopsIt() throws Exception {
        fillAll();
        BlockingDriver source = new BlockingDriver(source());
        AtomicReference<Boolean> flag = new AtomicReference<>();
        try (BlockingDriver.Hold read = source.hold(request -> isRead(request, 0))) {
            Thread running = Thread.ofVirtual().start(() -> {
                run(source, target(), options());
                flag.set(Thread.currentThread().isInterrupted());
            });
            read.awaitHeld();
            running.interrupt();
            while (running.isInterrupted()) {
                // It has noticed once the flag is gone; only then may the workers come to an end.
                Thread.onSpinWait();
            }
            read.release();
            running.join();
        }
        assertThat(heard).containsExactly("failed Interrupted system call");
        assertThat(flag.get()).isTrue();
    }

    @Test
    void anInterruptStopsItBetweenThePiecesOfOneClaim() throws Exception {
        byte[] half = new byte[64 << 10];
        Arrays.fill(half, (byte) 1);
        List<BlockDevice> sources = List.of(
                device("first", new MemoryDriver(SparseBytes.of(half))),
                device("second", new MemoryDriver(SparseBytes.of(half))));
        RequestLog log = new RequestLog();
        BlockingDriver target = new BlockingDriver(new RecordingDriver("to", target(), log));
        Options oneWorker = new Options(1, false, 4096, true, false, -1, false, 0, pool);
        try (BlockingDriver.Hold write = target.hold(request -> request.kind() == Kind.WRITE)) {
            Thread running = Thread.ofVirtual()
                    .start(() -> assertThatThrownBy(() ->
                                    ImageConversion.convert(sources, device("to", target), oneWorker, new Listener()))
                            .isInstanceOf(BlockException.class));
            write.awaitHeld();
            running.interrupt();
            while (running.isInterrupted()) {
                Thread.onSpinWait();
            }
            write.release();
            running.join();
        }
        assertThat(log.entries())
                .filteredOn(entry -> entry.kind() == Kind.WRITE)
                .extracting(RequestLog.Entry::toString)
                .containsExactly("write to 65536@0");
    }

    @Test
    void anInterruptBeforeItChangesNothing() throws Exception {
        fillAll();
        AtomicReference<Boolean> flag = new AtomicReference<>();
        Thread.ofVirtual()
                .start(() -> {
                    Thread.currentThread().interrupt();
                    run(source(), target(), options());
                    flag.set(Thread.currentThread().isInterrupted());
                })
                .join();
        assertThat(heard).isEmpty();
        assertThat(flag.get()).isTrue();
    }

    private static boolean isRead(Request request, long offset) {
        return request.kind() == Kind.READ && request.offset() == offset;
    }

    private void run(BlockDriver source, BlockDriver target, Options options) {
        try {
            convert(source, target, options);
        } catch (BlockException e) {
            heard.add("failed " + e.reason());
        }
    }

    private final class Listener implements ImageConversion.Listener {
        @Override
        public boolean wantsProgress() {
            return false;
        }

        @Override
        public void advanced(long done, long total) {
            heard.add("advanced");
        }

        @Override
        public void unreadable(long offset, BlockException failure) {
            heard.add("unreadable " + offset);
        }
    }
}
