// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.Breakpoints;
import io.loomblock.driver.DebugEvent;
import io.loomblock.driver.Limits;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.Blkdebug;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fault injector as a node: names, limits, faults that do not reach the node below, breakpoints. */
@Timeout(60)
class BlkdebugTest {
    private static final int SIZE = 1 << 20;
    private static final OpenOptions RAW = OpenOptions.readWrite().withFormat("raw");

    @TempDir
    Path directory;

    private final RequestLog log = new RequestLog();
    private final List<Request> discards = new ArrayList<>();

    private BlockDevice open(String... rules) throws BlockException {
        MemoryDriver memory = new MemoryDriver();
        memory.truncate(SIZE, true, PreallocationMode.OFF);
        BlockDriver below = new ForwardingDriver(new RecordingDriver("disk", memory, log)) {
            @Override
            public void coDiscard(long offset, long bytes) throws BlockException {
                discards.add(new Request(Kind.ZERO, offset, bytes));
                super.coDiscard(offset, bytes);
            }
        };
        Node node = Blkdebug.on("disk", below, RAW, rules);
        return BlockDevice.openOn(node, RAW);
    }

    private static void write(BlockDevice device, long offset, int bytes) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(bytes)) {
            buffer.fill(0, bytes, (byte) 7);
            device.write(offset, IoVector.of(buffer, 0, bytes));
        }
    }

    private static void read(BlockDevice device, long offset, int bytes) throws BlockException {
        try (AlignedBuffer buffer = AlignedBuffer.allocate(bytes)) {
            device.read(offset, IoVector.of(buffer, 0, bytes));
        }
    }

    private static void refused(String message, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.reason()).isEqualTo(message));
    }

    private List<Request> requests(Kind kind) {
        return log.entries().stream()
                .filter(entry -> entry.kind() == kind)
                .map(entry -> new Request(entry.kind(), entry.offset(), entry.length()))
                .toList();
    }

    @Test
    void whatFailsDoesNotReachTheNodeBelow() throws Exception {
        try (BlockDevice device = open(
                "inject-error.0.event", "pwritev",
                "inject-error.0.once", "on",
                "inject-error.0.errno", "28")) {
            assertThatThrownBy(() -> write(device, 0, 512))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
            assertThat(requests(Kind.WRITE)).isEmpty();
            write(device, 512, 512);
            assertThat(requests(Kind.WRITE)).containsExactly(new Request(Kind.WRITE, 512, 512));
        }
    }

    @Test
    void everyKindOfRequestCanFail() throws Exception {
        Map<String, ThrowingRequest> requests = Map.of(
                "read", device -> read(device, 0, 512),
                "write", device -> write(device, 0, 512),
                "write-zeroes", device -> device.writeZeroes(0, 65536, 0),
                "discard", device -> device.discard(0, 65536),
                "flush", BlockDevice::flush,
                "block-status", device -> device.blockStatus(0, 512));
        for (String failing : requests.keySet()) {
            for (var request : requests.entrySet()) {
                BlockDevice device = open("inject-error.0.event", "none", "inject-error.0.iotype", failing);
                write(failing.equals("write") ? open() : device, 4096, 512);
                if (request.getKey().equals(failing)) {
                    assertThatThrownBy(() -> request.getValue().run(device)).isInstanceOf(BlockException.class);
                } else {
                    request.getValue().run(device);
                }
            }
        }
    }

    /** Only an interrupt lets a wait be taken up again: storage that says EINTR would say it for ever. */
    @Test
    void storageThatSaysInterruptedEndsAFlush() throws Exception {
        BlockDevice device =
                open("inject-error.0.event", "none", "inject-error.0.iotype", "flush", "inject-error.0.errno", "4");
        write(device, 0, 512);
        assertThatThrownBy(device::flush)
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINTR));
        assertThatThrownBy(device::close).isInstanceOf(BlockException.class);
    }

    /** A request of some kind. */
    private interface ThrowingRequest {
        void run(BlockDevice device) throws BlockException;
    }

    @Test
    void namesMayHaveAConfigurationOrNot() throws Exception {
        Path image = directory.resolve("disk.raw");
        Files.write(image, new byte[4096]);
        Path rules = directory.resolve("rules");
        Files.writeString(rules, "[inject-error]\nevent = \"none\"\n");
        try (BlockDevice device = BlockDevice.open("blkdebug::" + image, RAW)) {
            read(device, 0, 512);
            assertThat(device.node().child(Node.FILE)).isNotNull().satisfies(node -> {
                assertThat(node.driver().formatName()).isEqualTo("blkdebug");
                assertThat(node.driver().identity()).isNotNull();
            });
        }
        try (BlockDevice device = BlockDevice.open("blkdebug:" + rules + ":" + image, RAW.withWritable(false))) {
            assertThatThrownBy(() -> read(device, 0, 512)).isInstanceOf(BlockException.class);
        }
        refused(
                "blkdebug requires both config file and image path",
                () -> BlockDevice.open("blkdebug:" + image, RAW).close());
        OpenOptions described = OpenOptions.readWrite()
                .withNodeOptions(NodeOptions.of(Map.of(
                        "driver", "blkdebug",
                        "image.driver", "raw",
                        "image.file.filename", image.toString())));
        try (BlockDevice device = BlockDevice.open(described)) {
            assertThat(device.length()).isEqualTo(4096);
            assertThat(device.node().driver().formatName()).isEqualTo("blkdebug");
        }
        refused(
                "A block device must be specified for \"image\"",
                () -> BlockDevice.open(
                                OpenOptions.readOnly().withNodeOptions(NodeOptions.of(Map.of("driver", "blkdebug"))))
                        .close());
    }

    private void refusedConfig(Path config, Errno errno, String reason) throws Exception {
        Path image = directory.resolve("disk.raw");
        Files.write(image, new byte[4096]);
        assertThatThrownBy(() -> BlockDevice.open("blkdebug:" + config + ":" + image, RAW))
                .isInstanceOfSatisfying(BlockException.class, e -> {
                    assertThat(e.errno()).isEqualTo(errno);
                    assertThat(e.reason()).isEqualTo("Could not read blkdebug config file: " + reason);
                });
    }

    /** Neither a file without end nor one that nobody writes into may keep the open from ending. */
    @Test
    void configurationsAreSmallRegularFiles() throws Exception {
        Path large = directory.resolve("large");
        Files.write(large, new byte[(1 << 20) + 1]);
        Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        refusedConfig(directory.resolve("nope"), Errno.ENOENT, "No such file or directory");
        refusedConfig(large, Errno.EFBIG, "'" + large + "' is longer than 1048576 bytes");
        for (Path special : List.of(Path.of("/dev/zero"), pipe, directory)) {
            refusedConfig(special, Errno.EINVAL, "'file' driver requires '" + special + "' to be a regular file");
        }
    }

    /** Reading it asks for no lock; giving it back drops none, either. */
    @Test
    void anImageInUseIsReadAsAConfigurationWithoutHarm() throws Exception {
        Path rules = directory.resolve("rules");
        Files.writeString(rules, "[inject-error]\nevent = \"none\"\n\n");
        Path image = directory.resolve("disk.raw");
        Files.write(image, new byte[4096]);
        try (BlockDevice user = BlockDevice.open(rules.toString(), RAW)) {
            BlockDevice.open("blkdebug:" + rules + ":" + image, RAW).close();
            assertThat(user.readOnly()).isFalse();
            assertThatThrownBy(() -> BlockDevice.open(rules.toString(), RAW))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "align=3|align 3",
                "align=4294967296|align 4294967296",
                "align=2147483648|align 2147483648",
                "align=1073741824|align 1073741824",
                "align=2097152|align 2097152",
                "align=4096,max-transfer=1000|max-transfer 1000",
                "max-transfer=4294967296|max-transfer 4294967296",
                "align=512,opt-write-zero=100|opt-write-zero 100",
                "align=512,max-write-zero=100|max-write-zero 100",
                "align=512,max-write-zero=1024,opt-write-zero=1536|max-write-zero 1024",
                "align=512,opt-discard=100|opt-discard 100",
                "align=512,max-discard=100|max-discard 100",
                "opt-discard=2048,max-discard=3000,align=1|max-discard 3000",
            })
    void limitsThatDoNotFitAreRefused(String options, String what) {
        refused("Cannot meet constraints with " + what, () -> open(options.split("[,=]")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"align=0", "align=1048576", "max-transfer=1000", "opt-write-zero=3000,align=1"})
    void limitsThatFitAreTaken(String options) throws Exception {
        open(options.split("[,=]"));
    }

    @Test
    void anAlignmentMustBeAPowerOfTwoAlsoWhereTheNodeBelowHasACoarserOne() {
        BlockDriver sectors = new ForwardingDriver(new MemoryDriver()) {
            @Override
            public Limits limits() {
                return Limits.NONE.withAlignment(512, 512);
            }
        };
        refused("Cannot meet constraints with align 3", () -> Blkdebug.on("disk", sectors, RAW, "align", "3"));
    }

    @Test
    void theCoarsestAlignmentServesOddRequests() throws Exception {
        BlockDevice device = open("align", "1048576");
        write(device, 700_001, 3);
        assertThat(requests(Kind.READ)).containsExactly(new Request(Kind.READ, 0, SIZE));
        assertThat(requests(Kind.WRITE)).containsExactly(new Request(Kind.WRITE, 0, SIZE));
        byte[] read = new byte[5];
        device.read(700_000, ByteBuffer.wrap(read));
        assertThat(read).containsExactly(0, 7, 7, 7, 0);
        device.close();
    }

    @Test
    void requestsAreCutToTheLimits() throws Exception {
        BlockDevice device = open(
                "align", "512",
                "max-transfer", "4096",
                "opt-write-zero", "15360",
                "max-write-zero", "30720",
                "opt-discard", "1536",
                "max-discard", "3072");
        Node node = device.node().child(Node.FILE);
        assertThat(node).isNotNull();
        Limits limits = node.limits();
        assertThat(limits.requestAlignment()).isEqualTo(512);
        assertThat(limits.maxTransfer()).isEqualTo(4096);
        write(device, 512, 10000);
        // The last sector is read first, since only a part of it is written.
        assertThat(requests(Kind.READ)).containsExactly(new Request(Kind.READ, 10240, 512));
        assertThat(requests(Kind.WRITE))
                .containsExactly(
                        new Request(Kind.WRITE, 512, 4096),
                        new Request(Kind.WRITE, 4608, 4096),
                        new Request(Kind.WRITE, 8704, 2048));
        device.writeZeroes(0, 15360 * 4 + 1024, 0);
        assertThat(requests(Kind.ZERO))
                .containsExactly(new Request(Kind.ZERO, 0, 30720), new Request(Kind.ZERO, 30720, 30720));
        device.discard(1000, 8000);
        assertThat(discards).containsExactly(new Request(Kind.ZERO, 1536, 3072), new Request(Kind.ZERO, 4608, 3072));
    }

    @Test
    void aBreakpointHoldsOneRequestUntilItIsResumed() throws Exception {
        BlockDevice device = open();
        Breakpoints breakpoints = Breakpoints.of(device.node());
        assertThat(breakpoints).isNotNull();
        AtomicInteger told = new AtomicInteger();
        breakpoints.suspendAt(DebugEvent.PWRITEV, "A", told::incrementAndGet);
        assertThat(breakpoints.isSuspended("A")).isFalse();
        assertThat(breakpoints.resume("A")).isFalse();
        CompletableFuture<Void> held = inBackground(() -> write(device, 0, 512));
        breakpoints.awaitSuspended("A");
        assertThat(told).hasValue(1);
        write(device, 512, 512);
        assertThat(requests(Kind.WRITE)).containsExactly(new Request(Kind.WRITE, 512, 512));
        assertThat(breakpoints.resume("A")).isTrue();
        held.get(30, TimeUnit.SECONDS);
        assertThat(requests(Kind.WRITE)).hasSize(2);
        assertThat(breakpoints.isSuspended("A")).isFalse();
        assertThat(breakpoints.remove("A")).isFalse();
        device.close();
    }

    @Test
    void whatIsRemovedHoldsNobody() throws Exception {
        try (BlockDevice device = open()) {
            Breakpoints breakpoints = Breakpoints.of(device.node());
            assertThat(breakpoints).isNotNull();
            breakpoints.suspendAt(DebugEvent.PWRITEV, "A", () -> {});
            breakpoints.suspendAt(DebugEvent.PWRITEV_DONE, "A", () -> {});
            CompletableFuture<Void> held = inBackground(() -> write(device, 0, 512));
            breakpoints.awaitSuspended("A");
            assertThat(breakpoints.remove("A")).isTrue();
            held.get(30, TimeUnit.SECONDS);
            breakpoints.suspendAt(DebugEvent.PWRITEV, "B", () -> {});
            assertThat(breakpoints.remove("B")).isTrue();
            write(device, 0, 512);
        }
    }

    @Test
    void aHeldRequestIsNotInterruptedButWhoWaitsForItIs() throws Exception {
        try (BlockDevice device = open()) {
            Breakpoints breakpoints = Breakpoints.of(device.node());
            assertThat(breakpoints).isNotNull();
            breakpoints.suspendAt(DebugEvent.PWRITEV, "A", () -> {});
            CompletableFuture<Boolean> flag = new CompletableFuture<>();
            Thread writer = Thread.startVirtualThread(() -> {
                try {
                    write(device, 0, 512);
                    flag.complete(Thread.interrupted());
                } catch (BlockException e) {
                    flag.completeExceptionally(e);
                }
            });
            breakpoints.awaitSuspended("A");
            writer.interrupt();
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> breakpoints.awaitSuspended("B"))
                    .isInstanceOfSatisfying(
                            BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINTR));
            assertThat(Thread.interrupted()).isTrue();
            assertThat(breakpoints.isSuspended("A")).isTrue();
            breakpoints.resume("A");
            assertThat(flag.get(30, TimeUnit.SECONDS)).as("the flag is kept").isTrue();
        }
    }

    /** What its listener does, another thread might do before the request waits. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRequestThatIsAboutToWaitCanBeLetGo(boolean remove) throws Exception {
        try (BlockDevice device = open()) {
            Breakpoints breakpoints = Breakpoints.of(device.node());
            assertThat(breakpoints).isNotNull();
            AtomicBoolean found = new AtomicBoolean();
            breakpoints.suspendAt(
                    DebugEvent.PWRITEV,
                    "A",
                    () -> found.set(remove ? breakpoints.remove("A") : breakpoints.resume("A")));
            CompletableFuture<Void> request = inBackground(() -> write(device, 0, 512));
            request.get(30, TimeUnit.SECONDS);
            assertThat(found).isTrue();
            assertThat(breakpoints.isSuspended("A")).isFalse();
        }
    }

    @Test
    void nodesWithoutAnInjectorHaveNoBreakpoints() throws Exception {
        try (BlockDevice device = TestImages.open("disk", new MemoryDriver(), RAW)) {
            assertThat(Breakpoints.of(device.node())).isNull();
        }
    }

    private static CompletableFuture<Void> inBackground(ThrowingRunnable request) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try {
                request.run();
                done.complete(null);
            } catch (BlockException e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    private interface ThrowingRunnable {
        void run() throws BlockException;
    }
}
