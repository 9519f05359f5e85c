// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The pool is bounded and fair, keeps a reserve for metadata, and misuse of its buffers is loud. */
@Timeout(60)
class BufferPoolTest {
    private static final int SLAB = BufferPool.MAX_BUFFER;

    /** Room for two whole buffers of guest data, and one of metadata. */
    private final BufferPool pool = new BufferPool(3L * SLAB, SLAB);

    private static Thread startAndAwaitWaiting(Runnable task) {
        Thread thread = Thread.ofVirtual().start(task);
        while (thread.getState() != Thread.State.WAITING) {
            assertThat(thread.getState()).isNotEqualTo(Thread.State.TERMINATED);
            Thread.onSpinWait();
        }
        return thread;
    }

    private Runnable acquireAndRelease(int size, List<String> log, String name) {
        return () -> {
            try (AlignedBuffer buffer = pool.acquire(size)) {
                log.add(name + " got " + buffer.capacity());
            } catch (BlockException e) {
                log.add(name + " " + e.errno() + (Thread.currentThread().isInterrupted() ? ", flag set" : ""));
            }
        };
    }

    @Test
    void buffersAreAlignedAndOfTheirSize() throws Exception {
        for (int size : new int[] {1, 511, 4095, 4096, 4097, 100_000, SLAB}) {
            try (AlignedBuffer buffer = pool.acquire(size)) {
                assertThat(buffer.capacity()).isEqualTo(size);
                assertThat(buffer.address(0, size) & 4095).isZero();
                buffer.putByte(size - 1, (byte) 1);
                assertThatThrownBy(() -> buffer.putByte(size, (byte) 1)).isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void sizesOutOfRangeAreMisuse() {
        assertThatThrownBy(() -> pool.acquire(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> pool.acquire(SLAB + 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new BufferPool(SLAB, SLAB)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void buffersInUseNeverOverlap() throws Exception {
        List<AlignedBuffer> all = new ArrayList<>();
        int[] sizes = {4096, 8192, 12_000, 65_536, 1 << 20, 4096, 300_000};
        for (int i = 0; i < sizes.length; i++) {
            AlignedBuffer buffer = pool.acquire(sizes[i]);
            buffer.fill(0, sizes[i], (byte) i);
            all.add(buffer);
        }
        assertThat(pool.outstanding()).isEqualTo(sizes.length);
        for (int i = 0; i < sizes.length; i++) {
            for (int at = 0; at < sizes[i]; at += 512) {
                assertThat(all.get(i).getByte(at)).isEqualTo((byte) i);
            }
        }
        all.forEach(AlignedBuffer::close);
        // All pieces have grown together again.
        pool.acquire(SLAB).close();
    }

    @Test
    void whoDoesNotWantToWaitGetsNothingWhereThereIsNothing() throws Exception {
        AlignedBuffer first = pool.acquire(SLAB);
        try (AlignedBuffer second = pool.tryAcquire(SLAB)) {
            assertThat(second).isNotNull();
            assertThat(pool.tryAcquire(4096)).isNull();
        }
        first.close();
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void whoFindsNoneWaitsAndIsServedInOrder() throws Exception {
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        AlignedBuffer first = pool.acquire(SLAB);
        AlignedBuffer second = pool.acquire(SLAB);
        Thread large = startAndAwaitWaiting(acquireAndRelease(SLAB, log, "large"));
        // A small one would fit sooner, but does not overtake.
        Thread small = startAndAwaitWaiting(acquireAndRelease(4096, log, "small"));
        first.close();
        large.join();
        small.join();
        second.close();
        assertThat(log).containsExactlyInAnyOrder("large got " + SLAB, "small got 4096");
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void metadataFindsRoomWhereGuestDataHasNone() throws Exception {
        AlignedBuffer first = pool.acquire(SLAB);
        AlignedBuffer second = pool.acquire(SLAB);
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        Thread waiting = startAndAwaitWaiting(acquireAndRelease(4096, log, "guest"));
        AlignedBuffer metadata = pool.acquireReserved(SLAB);
        assertThat(log).isEmpty();
        metadata.close();
        assertThat(log).as("the reserve is not the guest's").isEmpty();
        first.close();
        waiting.join();
        second.close();
    }

    @Test
    void metadataDoesNotOvertakeMetadata() throws Exception {
        List<AlignedBuffer> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(pool.acquireReserved(i == 0 ? SLAB / 2 : SLAB));
        }
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        Thread large = startAndAwaitWaiting(acquireReserved(SLAB, log, "large"));
        // Half a slab is free, but the large one came first.
        Thread small = startAndAwaitWaiting(acquireReserved(4096, log, "small"));
        all.remove(1).close();
        large.join();
        small.join();
        assertThat(log).containsExactlyInAnyOrder("large", "small");
        all.forEach(AlignedBuffer::close);
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void aBounceFindsRoomWhereMetadataHasNone() throws Exception {
        BufferPool three = new BufferPool(3L * SLAB, 2L * SLAB);
        AlignedBuffer guest = three.acquire(SLAB);
        AlignedBuffer metadata = three.acquireReserved(SLAB);
        Thread waiting = startAndAwaitWaiting(() -> {
            try {
                three.acquireReserved(4096).close();
            } catch (BlockException e) {
                throw new AssertionError(e);
            }
        });
        // Its holder waits for the disk alone, so whoever waits for him waits not for ever.
        three.acquireBounce(SLAB).close();
        assertThat(waiting.isAlive()).isTrue();
        metadata.close();
        waiting.join();
        guest.close();
        assertThat(three.outstanding()).isZero();
    }

    @Test
    void anInterruptDoesNotEndTheWaitOfMetadata() throws Exception {
        List<AlignedBuffer> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(pool.acquireReserved(SLAB));
        }
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        Thread waiting = startAndAwaitWaiting(() -> {
            acquireReserved(4096, log, "got").run();
            log.add(Thread.currentThread().isInterrupted() ? "flag set" : "flag lost");
        });
        waiting.interrupt();
        assertThat(log).isEmpty();
        all.remove(0).close();
        waiting.join();
        assertThat(log).containsExactly("got", "flag set");
        all.forEach(AlignedBuffer::close);
    }

    /** A pool of an image's own has no reserve, and is asked when something has been published. */
    @Test
    void norDoesItWhereThereIsNoReserve() throws Exception {
        BufferPool one = new BufferPool(SLAB, 0);
        for (boolean bounce : new boolean[] {false, true}) {
            AlignedBuffer all = one.acquire(SLAB);
            List<String> log = Collections.synchronizedList(new ArrayList<>());
            Thread waiting = startAndAwaitWaiting(() -> {
                try (AlignedBuffer buffer = bounce ? one.acquireBounce(4096) : one.acquireReserved(4096)) {
                    log.add("got " + buffer.capacity());
                } catch (BlockException e) {
                    log.add(e.errno().name());
                }
                log.add(Thread.currentThread().isInterrupted() ? "flag set" : "flag lost");
            });
            waiting.interrupt();
            all.close();
            waiting.join();
            assertThat(log).containsExactly("got 4096", "flag set");
        }
    }

    private Runnable acquireReserved(int size, List<String> log, String name) {
        return () -> {
            try (AlignedBuffer buffer = pool.acquireReserved(size)) {
                assertThat(buffer.capacity()).isEqualTo(size);
                log.add(name);
            } catch (BlockException e) {
                log.add(e.errno().name());
            }
        };
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        AlignedBuffer first = pool.acquire(SLAB);
        AlignedBuffer second = pool.acquire(SLAB);
        Thread waiting = startAndAwaitWaiting(acquireAndRelease(SLAB, log, "waiting"));
        Thread behind = startAndAwaitWaiting(acquireAndRelease(4096, log, "behind"));
        waiting.interrupt();
        waiting.join();
        assertThat(log).containsExactly("waiting EINTR, flag set");
        first.close();
        behind.join();
        second.close();
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void anInterruptThatCameBeforeFailsNothing() throws Exception {
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        AlignedBuffer first = pool.acquire(SLAB);
        AlignedBuffer second = pool.acquire(SLAB);
        Thread waiting = startAndAwaitWaiting(() -> {
            Thread.currentThread().interrupt();
            acquireAndRelease(4096, log, "waiting").run();
        });
        first.close();
        waiting.join();
        second.close();
        assertThat(log).containsExactly("waiting got 4096");
    }

    @Test
    void releasingTwiceIsAnErrorAndGivesNothingTwice() throws Exception {
        AlignedBuffer buffer = pool.acquire(4096);
        buffer.close();
        assertThatThrownBy(buffer::close).isInstanceOf(IllegalStateException.class);
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void useAfterReleaseFails() throws Exception {
        AlignedBuffer buffer = pool.acquire(4096);
        IoVector vector = IoVector.of(buffer);
        buffer.close();
        assertThatThrownBy(() -> buffer.getByte(0)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> buffer.putLong(0, 1)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> buffer.address(0, 1)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> vector.fill(0, 1, (byte) 1)).isInstanceOf(AssertionError.class);
    }

    @Test
    void leaksShowInTheCount() throws Exception {
        AlignedBuffer leaked = pool.acquire(4096);
        try (AlignedBuffer other = pool.acquire(4096)) {
            assertThat(other.capacity()).isEqualTo(4096);
        }
        assertThat(pool.outstanding()).isEqualTo(1);
        leaked.close();
    }

    @Test
    void zerosAreZerosAndAligned() throws Exception {
        IoVector zeros = pool.zeros();
        assertThat(zeros.isZero(0, zeros.size())).isTrue();
        assertThat(zeros.isAligned(0, zeros.size(), 4096)).isTrue();
        assertThat(pool.outstanding()).isZero();
    }

    @Test
    void manyThreadsShareATightPool() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 32; t++) {
                byte mine = (byte) t;
                Random random = new Random(seed + t);
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 200; i++) {
                        int size = 1 + random.nextInt(random.nextBoolean() ? SLAB : 8192);
                        boolean metadata = random.nextInt(4) == 0;
                        if (random.nextInt(50) == 0) {
                            Thread.currentThread().interrupt();
                        }
                        try (AlignedBuffer buffer = metadata ? pool.acquireReserved(size) : pool.acquire(size)) {
                            buffer.putByte(0, mine);
                            buffer.putByte(size - 1, mine);
                            Thread.yield();
                            assertThat(buffer.getByte(0)).isEqualTo(mine);
                            assertThat(buffer.getByte(size - 1)).isEqualTo(mine);
                        } catch (BlockException e) {
                            assertThat(e.errno()).isEqualTo(Errno.EINTR);
                        }
                        Thread.interrupted();
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get(50, TimeUnit.SECONDS);
            }
        }
        assertThat(pool.outstanding()).isZero();
    }
}
