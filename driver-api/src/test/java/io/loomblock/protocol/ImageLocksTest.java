// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static io.loomblock.protocol.TestBytes.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.testkit.Tools;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may use an image together with whom: inside of a process, and with QEMU's tools in both directions. */
@Tag("jars")
@Timeout(120)
class ImageLocksTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";
    private static final OpenOptions READ = OpenOptions.readOnly();
    private static final OpenOptions WRITE = OpenOptions.readWrite();
    private static final OpenOptions FORCE = READ.withForceShare(true);

    @TempDir
    Path directory;

    private String file;

    @BeforeEach
    void makeFile() throws Exception {
        Path path = directory.resolve("image");
        Files.write(path, new byte[65536]);
        file = path.toString();
    }

    /** Of raw images QEMU lets others write what it reads. */
    private void makeQed() {
        Tools.qemuImg(directory, "create", "-q", "-f", "qed", file, "64k").expectExit(0);
    }

    private String hint() {
        return "\nIs another process using the image [" + file + "]?";
    }

    private void assertLocked(String what, ThrowingCallable open) {
        BlockException e = assertFails(Errno.EAGAIN, open);
        assertThat(e.reason()).isEqualTo("Failed to get " + what + " lock" + hint());
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void readersShare(TestEngine engine) throws Exception {
        try (Node a = engine.open(file, READ);
                Node b = engine.open(file, READ);
                Node c = engine.open(file, FORCE)) {
            assertThat(List.of(a, b, c)).hasSize(3);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aWriterIsAlone(TestEngine engine) throws Exception {
        try (Node writer = engine.open(file, WRITE)) {
            assertLocked("shared \"write\"", () -> engine.open(file, READ));
            assertLocked("\"write\"", () -> engine.open(file, WRITE));
            assertLocked("\"write\"", () -> engine.create(file, 0));
            assertThat(Files.size(Path.of(file)))
                    .as("an image in use is not emptied")
                    .isEqualTo(65536);
            engine.open(file, FORCE).close();
            assertThat(read(writer, 0, 10)).containsOnly(0);
        }
        engine.open(file, WRITE).close();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void readersKeepWritersAway(TestEngine engine) throws Exception {
        try (Node reader = engine.open(file, READ)) {
            assertLocked("\"write\"", () -> engine.open(file, WRITE));
            assertLocked("\"write\"", () -> engine.create(file, 0));
            assertThat(reader.length()).isEqualTo(65536);
        }
        engine.create(file, 0);
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whoReadsByForceKeepsNobodyAway(TestEngine engine) throws Exception {
        try (Node force = engine.open(file, FORCE);
                Node writer = engine.open(file, WRITE)) {
            TestBytes.write(writer, 0, 10, 7);
            assertThat(read(force, 0, 10)).containsOnly(7);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void locksHoldUntilTheLastUserGoes(TestEngine engine) throws Exception {
        makeQed();
        Node first = engine.open(file, READ);
        try (Node second = engine.open(file, READ.withCache(CacheMode.NONE))) {
            first.close();
            assertLocked("\"write\"", () -> engine.open(file, WRITE));
            assertThat(qemu("quit").text()).contains("Failed to get \"write\" lock");
            assertThat(second.length()).isPositive();
        }
        assertThat(qemu("quit").exit()).isZero();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void anInactiveImageIsItsOwnersUntilItIsActivated(TestEngine engine) throws Exception {
        try (Node inactive = engine.open(file, WRITE.withInactive(true))) {
            Node owner = engine.open(file, WRITE.withInactive(true));
            owner.invalidateCache(true);
            assertLocked("\"write\"", () -> inactive.invalidateCache(true));
            owner.close();
            inactive.invalidateCache(true);
            assertLocked("shared \"write\"", () -> engine.open(file, READ));
            inactive.invalidateCache(false);
            engine.open(file, WRITE.withInactive(true)).close();
        }
    }

    /** Two tables of open files are like two processes: locks of open file descriptions exclude one another. */
    @Test
    void writersInOtherProcessesAreSeen() throws Exception {
        TestEngine here = TestEngine.ofNative();
        TestEngine there = TestEngine.ofNative();
        try (Node writer = there.open(file, WRITE)) {
            assertLocked("\"write\"", () -> here.open(file, WRITE));
            assertLocked("shared \"write\"", () -> here.open(file, READ));
            assertLocked("\"write\"", () -> here.create(file, 0));
            here.open(file, FORCE).close();
            assertThat(writer.length()).isEqualTo(65536);
        }
        try (Node reader = there.open(file, READ)) {
            here.open(file, READ).close();
            assertLocked("\"write\"", () -> here.open(file, WRITE));
            assertThat(reader.length()).isEqualTo(65536);
        }
        here.open(file, WRITE).close();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void qemuSeesOurWriter(TestEngine engine) throws Exception {
        makeQed();
        try (Node writer = engine.open(file, WRITE)) {
            assertQemuFails("\"write\"", "quit");
            assertQemuFails("shared \"write\"", "-r", "quit");
            assertThat(qemu("-r", "-U", "quit").exit()).isZero();
            Tools.Result create = Tools.qemuImg(directory, "create", "-f", "raw", file, "1M");
            assertThat(create.err()).contains("Failed to get \"write\" lock" + hint());
            assertThat(writer.length()).isPositive();
        }
        assertThat(qemu("quit").exit()).isZero();
    }

    /** To find out that a name means another file by now takes a descriptor of that, which POSIX locks do not survive the closing of. */
    @ParameterizedTest
    @MethodSource(ENGINES)
    void aFileThatTookTheNameOfAnotherKeepsItsLocks(TestEngine engine) throws Exception {
        Path former = directory.resolve("former");
        Files.write(former, new byte[65536]);
        makeQed();
        OpenMode reading = new OpenMode(false, false, false);
        try (Lease lease = engine.files()
                        .open(former.toString(), reading, Permissions.READ_ONLY, (name, mode, kind) -> {});
                Node user = engine.open(file, READ)) {
            Files.move(Path.of(file), former, StandardCopyOption.REPLACE_EXISTING);
            assertFails(Errno.ESTALE, () -> lease.descriptor(new OpenMode(true, false, false)));
            Files.move(former, Path.of(file));
            assertQemuFails("\"write\"", "quit");
            assertThat(user.length()).isPositive();
        }
        assertThat(qemu("quit").exit()).isZero();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void qemuSeesOurReader(TestEngine engine) throws Exception {
        makeQed();
        try (Node reader = engine.open(file, READ)) {
            assertQemuFails("\"write\"", "quit");
            assertThat(qemu("-r", "quit").exit()).isZero();
            assertThat(reader.length()).isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void weSeeQemusWriter(TestEngine engine) throws Exception {
        makeQed();
        try (QemuIo qemu = QemuIo.open(directory, file, "-f", "qed")) {
            assertLocked("\"write\"", () -> engine.open(file, WRITE));
            assertLocked("shared \"write\"", () -> engine.open(file, READ));
            assertLocked("\"write\"", () -> engine.create(file, 0));
            engine.open(file, FORCE).close();
            qemu.quit();
        }
        assertThat(qemu("quit").exit()).as("the image was not emptied").isZero();
        engine.open(file, WRITE).close();
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void weSeeQemusReader(TestEngine engine) throws Exception {
        makeQed();
        try (QemuIo qemu = QemuIo.open(directory, file, "-f", "qed", "-r")) {
            engine.open(file, READ).close();
            assertLocked("\"write\"", () -> engine.open(file, WRITE));
            assertLocked("\"write\"", () -> engine.create(file, 0));
            qemu.quit();
        }
    }

    /** A lock that is ours alone excludes even QEMU's shared ones: such programs exist. */
    @Test
    void anExclusiveLockOfAnotherProgramIsAConflict() throws Exception {
        assumeTrue(TestEngine.hasNative(), "needs two owners of locks in one process");
        TestEngine engine = TestEngine.ofNative();
        try (var channel = FileChannel.open(Path.of(file), StandardOpenOption.WRITE);
                var lock = channel.lock(201, 1, false)) {
            BlockException e = assertFails(Errno.EAGAIN, () -> engine.open(file, READ));
            assertThat(e.reason()).isEqualTo("Failed to lock byte 201" + hint());
            assertThat(lock.isValid()).isTrue();
        }
    }

    /** As on some network file systems. */
    @Test
    void whereThereAreNoLocksOpenersGoOnWithoutAndStillExcludeOneAnotherHere() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        FileIo withoutLocks = (FileIo) Proxy.newProxyInstance(
                FileIo.class.getClassLoader(), new Class<?>[] {FileIo.class}, (proxy, method, arguments) -> {
                    assertThat(method.getName()).isEqualTo("lockShared");
                    asked.incrementAndGet();
                    return LockResult.UNSUPPORTED;
                });
        ImageLocks locks = new ImageLocks(withoutLocks);
        locks.take(Permissions.READ_ONLY, List.of(), file);
        locks.take(Permissions.READ_ONLY, List.of(Permissions.READ_ONLY), file);
        assertLocked("\"write\"", () -> locks.take(Permissions.READ_WRITE, List.of(Permissions.READ_ONLY), file));
        locks.keepOnly(Permissions.NONE);
        assertThat(asked).as("once it is known, nobody asks again").hasValue(1);
    }

    private Tools.Result qemu(String... arguments) {
        String[] all = new String[arguments.length + 4];
        all[0] = "-f";
        all[1] = "qed";
        System.arraycopy(arguments, 0, all, 2, arguments.length - 1);
        all[arguments.length + 1] = "-c";
        all[arguments.length + 2] = arguments[arguments.length - 1];
        all[arguments.length + 3] = file;
        return Tools.qemuIo(directory, all);
    }

    private void assertQemuFails(String what, String... arguments) {
        Tools.Result result = qemu(arguments);
        assertThat(result.exit()).isNotZero();
        assertThat(result.err()).contains("Failed to get " + what + " lock" + hint());
    }
}
