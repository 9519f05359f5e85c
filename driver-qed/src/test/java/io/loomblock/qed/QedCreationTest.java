// SPDX-License-Identifier: Apache-2.0
package io.loomblock.qed;

import static io.loomblock.testkit.FaultDriver.Fault;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Node;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.RecordingDriver;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import io.loomblock.testkit.Tools;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images are made as QEMU makes them, and a failure leaves nothing behind. spec: qed.md section 7. */
@Tag("jars")
class QedCreationTest {
    private static final String BAD_CLUSTER = "QED cluster size must be within range [4096, 67108864] and power of 2";
    private static final String BAD_TABLE = "QED table size must be within range [1, 16] and power of 2";

    private final MemoryDriver memory = new MemoryDriver();
    private final RequestLog log = new RequestLog();
    private final FaultDriver faults = new FaultDriver(new RecordingDriver("new", memory, log));
    private final List<String> steps = new ArrayList<>();

    private final class Context implements CreateContext {
        @Override
        public OpenOptions options() {
            return OpenOptions.readWrite();
        }

        @Override
        public String filename() {
            return "new.qed";
        }

        @Override
        public Node createFile() throws BlockException {
            steps.add("create");
            memory.replace(new SparseBytes());
            return TestImages.node("new.qed", faults, OpenOptions.readWrite());
        }

        @Override
        public void deleteFile() {
            steps.add("delete");
        }

        @Override
        public Node openNamed(String name, @Nullable String format, OpenOptions options) {
            throw new UnsupportedOperationException();
        }
    }

    private void create(CreateOptions options) throws BlockException {
        new QedProvider().create(new Context(), options);
    }

    private void refused(String reason, CreateOptions options) {
        assertThat(TestDisk.failure(Errno.EINVAL, () -> create(options)).reason())
                .isEqualTo(reason);
        assertThat(steps).as("nothing is touched").isEmpty();
    }

    @Test
    void badSizesAreRefusedBeforeTheFileIsTouched() {
        CreateOptions good = CreateOptions.ofSize(1 << 20);
        for (String size : List.of("0", "1", "2048", "5000", "134217728", "-4096", "4294967296")) {
            refused(BAD_CLUSTER, good.with("cluster_size", size));
        }
        for (String size : List.of("0", "3", "32", "-1")) {
            refused(BAD_TABLE, good.with("table_size", size));
        }
        refused("Parameter 'cluster_size' expects a size", good.with("cluster_size", "much"));
    }

    @Test
    void badImageSizesAreRefused() throws Exception {
        String reason = "QED image size must be a non-zero multiple of cluster size and less than %d bytes";
        CreateOptions small = CreateOptions.ofSize(0).with("cluster_size", 4096).with("table_size", 1);
        long max = 1L << 30;
        refused(reason.formatted(max), small.withSize(511));
        refused(reason.formatted(max), small.withSize(max + 512));
        refused(reason.formatted(max), small.withSize(-512));
        create(small.withSize(max));
        create(small.withSize(0));
        create(small.withSize(512));
    }

    @Test
    void theLargestClustersMapDisksUpToTheLastSector() throws Exception {
        CreateOptions large = CreateOptions.ofSize(Long.MAX_VALUE & -512).with("cluster_size", 64 << 20);
        create(large.with("table_size", 1));
        try (TestDisk disk = TestDisk.open(memory.snapshot())) {
            assertThat(disk.device.length()).isEqualTo(Long.MAX_VALUE & -512);
            disk.write(1, disk.device.length() - 1024, 1024);
            disk.assertHolds(1, disk.device.length() - 1024, 1024);
            disk.assertHolds(0, disk.device.length() - 4096, 3072);
        }
    }

    @Test
    void aBackingNameThatDoesNotFitIsRefused() throws Exception {
        CreateOptions good = CreateOptions.ofSize(1 << 20);
        refused("Backing file name is too long for a QED image", good.withBacking("x".repeat(1024), null));
        refused("Backing file name is too long for a QED image", good.withBacking("ä".repeat(512), null));
        refused("Backing file name contains a NUL character", good.withBacking("a\0b", null));
        create(good.withBacking("x".repeat(1023), null));
    }

    @Test
    void theHeaderIsWrittenLast() throws Exception {
        create(CreateOptions.ofSize(1 << 20).with("cluster_size", 4096).withBacking("base", "raw"));
        List<String> changes = log.entries().stream()
                .filter(e -> e.kind() != Kind.READ)
                .map(RequestLog.Entry::toString)
                .toList();
        assertThat(changes).containsExactly("write new 16384@4096", "flush new", "write new 68@0", "flush new");
        assertThat(memory.length()).isEqualTo(5 * 4096);
    }

    @Test
    void aFileThatCouldNotBeFinishedIsDeleted() throws Exception {
        for (int number = 0; number < 4; number++) {
            steps.clear();
            faults.arm(Fault.once(Request.changesAndFlushes()).at(number).with(Errno.ENOSPC));
            TestDisk.failure(
                    Errno.ENOSPC, () -> create(CreateOptions.ofSize(1 << 20).with("cluster_size", 4096)));
            assertThat(steps).containsExactly("create", "delete");
        }
        faults.arm(Fault.once(Request.changesAndFlushes()).at(4));
        create(CreateOptions.ofSize(1 << 20).with("cluster_size", 4096));
    }

    @Test
    void imagesAreEqualToThoseOfQemu(@TempDir Path directory) throws Exception {
        Files.write(directory.resolve("base.raw"), new byte[1 << 20]);
        compare(directory, CreateOptions.ofSize(1 << 30));
        compare(directory, CreateOptions.ofSize(512).with("cluster_size", 4096).with("table_size", 1));
        compare(directory, CreateOptions.ofSize(0).with("table_size", 16));
        compare(directory, CreateOptions.ofSize(1 << 20).withBacking("base.raw", "raw"));
        compare(directory, CreateOptions.ofSize(1 << 20).withBacking("new.qed", "qed"));
    }

    private void compare(Path directory, CreateOptions options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("create", "-q", "-f", "qed"));
        options.options().forEach((name, value) -> arguments.addAll(List.of("-o", name + "=" + value)));
        if (options.backingFile() != null && options.backingFormat() != null) {
            arguments.addAll(List.of("-b", options.backingFile(), "-F", options.backingFormat()));
        }
        arguments.addAll(List.of("theirs.qed", Long.toString(options.size())));
        Tools.qemuImg(directory, arguments.toArray(String[]::new)).expectExit(0);
        create(options);
        byte[] ours = memory.snapshot().toByteArray();
        byte[] theirs = Files.readAllBytes(directory.resolve("theirs.qed"));
        assertThat(Arrays.mismatch(ours, theirs)).as("first difference").isEqualTo(-1);
        Files.write(directory.resolve("new.qed"), ours);
    }
}
