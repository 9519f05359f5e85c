// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images may be huge; the memory of the process that works on them is not. */
@Timeout(600)
class ResidentMemoryTest {
    private static final long MIB = 1 << 20;
    private static final Pattern PEAK = Pattern.compile("VmHWM:\\s*(\\d+) kB");
    /** What a process may have besides the metadata of its images: the JVM, our classes, buffers for requests. */
    private static final long BASE = 256 * MIB;
    /** Just below 16 TiB, where ext4 ends. */
    private static final long HUGE = (16L << 40) - (64 << 10);

    private static final int IMAGES = 10;

    @TempDir
    Path directory;

    @BeforeEach
    void requireProc() {
        Assumptions.assumeTrue(
                Files.isReadable(Path.of("/proc/self/status")), "this system does not tell the memory of processes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "fvd"})
    void aSparseImageOfATebibyteIsCopiedInLessThan256MiB(String format) throws Exception {
        // Which knows itself what is allocated; for a raw file Java 21 does not.
        Path source = directory.resolve("source.qed");
        OpenOptions qed = OpenOptions.readWrite().withFormat("qed");
        BlockDevice.create("qed", source.toString(), CreateOptions.ofSize(1L << 40), qed);
        try (BlockDevice device = BlockDevice.open(source.toString(), qed)) {
            AlignedBuffer data = AlignedBuffer.allocate((int) MIB);
            data.fill(0, (int) MIB, (byte) 7);
            for (long at = 0; at < 1L << 40; at += 16L << 30) {
                device.write(at, IoVector.of(data));
            }
        }
        Path target = directory.resolve("target");
        assertThat(peak("img", "convert", "-f", "qed", "-O", format, source.toString(), target.toString()))
                .isLessThan(256 * MIB);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed", "add-cow", "fvd"})
    void tenHugeImagesStayWithinTheirBudgets(String format) throws Exception {
        long seed = 20261121;
        System.out.println("seed " + seed);
        List<String> command = new ArrayList<>(List.of("open", format, Long.toString(seed)));
        for (int i = 0; i < IMAGES; i++) {
            command.add(create(format, i));
        }
        assertThat(peak(command.toArray(String[]::new)))
                .isLessThan(BASE + IMAGES * OpenOptions.DEFAULT_METADATA_BUDGET);
    }

    private String create(String format, int number) throws IOException {
        String name = directory.resolve(number + "." + format).toString();
        OpenOptions options = OpenOptions.readWrite();
        CreateOptions create = CreateOptions.ofSize(HUGE);
        if (format.equals("add-cow")) {
            BlockDevice.create("raw", name + ".data", CreateOptions.ofSize(0), options);
            BlockDevice.create("raw", name + ".base", CreateOptions.ofSize(HUGE), options);
            create = create.with("image_file", number + ".add-cow.data").withBacking(number + ".add-cow.base", "raw");
        }
        BlockDevice.create(format, name, create, options);
        return name;
    }

    /** The most memory that a process with this task had resident, in bytes. */
    private long peak(String... task) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+IgnoreUnrecognizedVMOptions",
                "-XX:+UseSerialGC",
                "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                PeakMemory.class.getName()));
        command.addAll(List.of(task));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        Matcher peak = PEAK.matcher(output);
        assertThat(peak.find()).as(output).isTrue();
        System.out.println(String.join(" ", task).replace(directory.toString(), "@") + ": " + peak.group());
        return Long.parseLong(peak.group(1)) << 10;
    }
}
