// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static io.loomblock.protocol.TestBytes.read;
import static io.loomblock.protocol.TestBytes.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.Node;
import io.loomblock.driver.RequestFlags;
import io.loomblock.testkit.Tools;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Devices have a length of their own, which nothing changes. */
@Tag("jars")
@Timeout(120)
class HostDeviceTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";

    @TempDir
    Path directory;

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aCharacterDeviceIsEmpty(TestEngine engine) throws Exception {
        try (Node node = engine.openDevice("/dev/null", OpenOptions.readWrite())) {
            assertThat(node.driver().formatName()).isEqualTo("host_device");
            assertThat(node.length()).isZero();
            assertFails(Errno.EIO, () -> write(node, 0, 1, 1));
        }
        engine.openDevice("host_device:/dev/null", OpenOptions.readOnly()).close();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void theLengthOfADeviceIsNotOurs(TestEngine engine) throws Exception {
        try (Node node = engine.openDevice("/dev/null", OpenOptions.readWrite())) {
            node.truncate(0, true, PreallocationMode.OFF);
            assertReason("Cannot resize device files", Errno.ENOTSUP, node, true, PreallocationMode.OFF);
            assertReason("Cannot grow device files", Errno.EINVAL, node, false, PreallocationMode.OFF);
            assertReason(
                    "Preallocation mode 'full' unsupported for this non-regular file",
                    Errno.ENOTSUP,
                    node,
                    true,
                    PreallocationMode.FULL);
        }
    }

    private static void assertReason(String reason, Errno errno, Node node, boolean exact, PreallocationMode mode) {
        BlockException e = assertFails(errno, () -> node.truncate(4096, exact, mode));
        assertThat(e.reason()).isEqualTo(reason);
    }

    /** Needs to be allowed to set up a loop device; skipped elsewhere. */
    @ParameterizedTest
    @MethodSource(ENGINES)
    void aBlockDeviceHoldsWhatIsWritten(TestEngine engine) throws Exception {
        Path file = directory.resolve("disk");
        Files.write(file, new byte[1 << 20]);
        assumeTrue(Files.isExecutable(Path.of("/sbin/losetup")), "losetup is not installed");
        Tools.Result setUp = Tools.run(directory, "losetup", "-f", "--show", file.toString());
        assumeTrue(setUp.exit() == 0, "no loop device can be had: " + setUp.err());
        String device = setUp.out().trim();
        try {
            for (CacheMode cache : List.of(CacheMode.WRITEBACK, CacheMode.NONE)) {
                OpenOptions options = OpenOptions.readWrite().withCache(cache).withUnmap(true);
                try (Node node = engine.openDevice(device, options)) {
                    assertThat(node.length()).isEqualTo(1 << 20);
                    write(node, 1000, 5000, 7);
                    node.coWriteZeroes(2000, 2000, RequestFlags.MAY_UNMAP);
                    node.flush();
                    assertThat(read(node, 1000, 1000)).containsOnly(7);
                    assertThat(read(node, 2000, 2000)).containsOnly(0);
                    assertThat(read(node, 4000, 2000)).containsOnly(7);
                    assertFails(Errno.EIO, () -> write(node, (1 << 20) - 1, 2, 1));
                    assertThat(node.blockStatus(0, 4096).flags() & BlockStatus.DATA)
                            .isNotZero();
                    assertThat(node.driver().identity()).isNotNull();
                }
            }
            assertFails(Errno.EINVAL, () -> engine.open(device, OpenOptions.readOnly()));
        } finally {
            Tools.run(directory, "losetup", "-d", device).expectExit(0);
        }
    }
}
