// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockStatus;
import io.loomblock.CreateOptions;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QuickstartTest {
    private static final Settings SMALL = new Settings(
            42,
            16,
            20,
            Duration.ofSeconds(30),
            4,
            512 << 10,
            (8 << 20) + 512,
            (5 << 20) + 1024,
            16 << 20,
            Duration.ofSeconds(60));

    @TempDir
    Path directory;

    private final List<Path> images = new ArrayList<>();

    private record Ran(int exit, String out, String err) {}

    private Ran run(Settings settings, Trial.Tampering tampering, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exit = Quickstart.run(
                "loomblock",
                args,
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                settings,
                (subject, device) -> {
                    images.add(subject.path());
                    tampering.afterWrites(subject, device);
                });
        return new Ran(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void imagesAreMadeAndVerifiedInEveryFormat() {
        Ran ran = run(SMALL, Trial.Tampering.NONE);
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exit()).isZero();
        assertThat(ran.out())
                .containsPattern("(?m)^disk.raw +raw +8 MiB +320 +.* none +add-cow, fvd, qed$")
                .containsPattern("(?m)^overlay.qed +qed +8 MiB +320 +.* clean +add-cow, fvd, raw$")
                .containsPattern("(?m)^overlay.fvd +fvd +8 MiB +320 +.* clean +add-cow, qed, raw$")
                .containsPattern("(?m)^overlay.add-cow +add-cow +8 MiB +320 +.* clean +fvd, qed, raw$")
                .containsPattern("(?m)^overlay.qed +[#+0.]{64}$");
    }

    @Test
    void aSeedRepeatsTheRequests() {
        Ran first = run(SMALL, Trial.Tampering.NONE, "--seed", "77");
        Ran again = run(SMALL.withSeed(77), Trial.Tampering.NONE);
        assertThat(first.out()).contains("(seed 77)");
        assertThat(written(again)).isEqualTo(written(first)).hasSize(4);
    }

    private static List<String> written(Ran ran) {
        return Pattern.compile("(?m)^\\S+ +(raw|qed|add-cow|fvd) +8 MiB +320 +(\\S+)")
                .matcher(ran.out())
                .results()
                .map(result -> result.group(2))
                .toList();
    }

    @Test
    void nothingIsLeftBehind() {
        run(SMALL, Trial.Tampering.NONE);
        run(SMALL, (subject, device) -> {
            throw new IllegalStateException("thrown by the test");
        });
        assertThat(images)
                .hasSize(8)
                .allSatisfy(image -> assertThat(image.getParent()).doesNotExist());
    }

    @Test
    void aByteThatChangedInARawImageIsNamed() throws Exception {
        Path image = directory.resolve("mine.img");
        Files.write(image, new byte[3 << 20]);
        Ran ran = run(SMALL, (subject, device) -> flip(subject.path(), 12345), image.toString());
        assertNamesTheByte(ran, image.toString(), 12345);
        assertThat(Files.readAllBytes(image)).containsOnly(0);
    }

    @Test
    void aByteThatChangedInAQedImageIsNamed() {
        long[] guestOffset = {-1};
        Ran ran = run(SMALL, (subject, device) -> {
            if (subject.format().equals("qed")) {
                long at = 0;
                BlockStatus status = device.blockStatus(at, device.length());
                while (!status.hasHostOffset()) {
                    at += status.length();
                    status = device.blockStatus(at, device.length() - at);
                }
                guestOffset[0] = at + 7;
                flip(subject.path(), status.hostOffset() + 7);
            }
        });
        assertNamesTheByte(ran, "overlay.qed", guestOffset[0]);
        assertThat(ran.out()).contains("\ndisk.raw ").doesNotContain("\noverlay.qed ");
    }

    @Test
    void aBaseImageThatChangedIsNamed() {
        Ran ran = run(SMALL, (subject, device) -> {
            if (subject.name().equals("disk.raw")) {
                flip(subject.path().resolveSibling("base.raw"), (5 << 20) + 1000);
            }
        });
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).contains("images: base.raw: changed at offset " + ((5 << 20) + 1000) + "\n");
    }

    private static void assertNamesTheByte(Ran ran, String image, long offset) {
        assertThat(ran.exit()).isEqualTo(1);
        Matcher message = Pattern.compile(
                        "loomblock: (\\S+): after the requests: byte at offset (\\d+) \\(0x([0-9a-f]+)\\):"
                                + " expected 0x([0-9a-f]{2}), found 0x([0-9a-f]{2})\n")
                .matcher(ran.err());
        assertThat(message.matches()).as(ran.err()).isTrue();
        assertThat(message.group(1)).isEqualTo(image);
        assertThat(Long.parseLong(message.group(2))).isEqualTo(offset);
        assertThat(Long.parseLong(message.group(3), 16)).isEqualTo(offset);
        int expected = Integer.parseInt(message.group(4), 16);
        assertThat(Integer.parseInt(message.group(5), 16)).isEqualTo(expected ^ 0xff);
    }

    @Test
    void imagesOfTheUserAreCopiedWithTheirBackingFiles() throws Exception {
        Path below = Files.createDirectories(directory.resolve("below"));
        byte[] data = new byte[2 << 20];
        new Random(7).nextBytes(data);
        Path base = Files.write(below.resolve("base.img"), data);
        Path overlay = directory.resolve("overlay.qed");
        OpenOptions options = OpenOptions.readWrite().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());
        BlockDevice.create(
                "qed",
                overlay.toString(),
                CreateOptions.ofSize(40 << 20).withBacking("below/base.img", "raw"),
                options);
        try (BlockDevice device = BlockDevice.open(overlay.toString(), options)) {
            device.write(30 << 20, ByteBuffer.wrap(new byte[] {1, 2, 3}));
        }
        byte[] before = Files.readAllBytes(overlay);
        Ran ran = run(SMALL, Trial.Tampering.NONE, overlay.toString(), base.toString());
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exit()).isZero();
        assertThat(ran.out()).containsPattern("(?m)overlay.qed +qed +40 MiB .* clean +add-cow, fvd, raw$");
        assertThat(Files.readAllBytes(overlay)).isEqualTo(before);
        assertThat(Files.readAllBytes(base)).isEqualTo(data);
        assertThat(images).doesNotContain(overlay, base);
    }

    /** The copy of the image still names the data file of the user, which must not be written to. */
    @Test
    void imagesOfTheUserAreCopiedWithTheirDataFiles() throws Exception {
        Files.write(directory.resolve("base.img"), randomBytes(2 << 20));
        Files.write(directory.resolve("data.img"), randomBytes(1 << 20));
        CreateOptions create =
                CreateOptions.ofSize(3 << 20).with("image_file", "data.img").withBacking("base.img", "raw");
        Path image = directory.resolve("disk.add-cow");
        BlockDevice.create("add-cow", image.toString(), create, OpenOptions.readWrite());
        write(image);
        runsAndLeavesAsTheyAre(
                "(?m)disk.add-cow +add-cow +3 MiB .* clean +fvd, qed, raw$", image, "data.img", "base.img");
    }

    /** So do a base image and a data file of FVD, whose journal and table are in the image. */
    @Test
    void imagesOfTheUserInFvdAreCopiedWithTheirDataFiles() throws Exception {
        Files.write(directory.resolve("base.img"), randomBytes((2 << 20) + 512));
        Files.write(directory.resolve("data.img"), new byte[0]);
        CreateOptions create = CreateOptions.ofSize(3 << 20)
                .with("data_file", "data.img")
                .with("data_file_fmt", "raw")
                .with("chunk_size", 64 << 10)
                .withBacking("base.img", "raw");
        Path image = directory.resolve("disk.fvd");
        BlockDevice.create("fvd", image.toString(), create, OpenOptions.readWrite());
        write(image);
        runsAndLeavesAsTheyAre("(?m)disk.fvd +fvd +3 MiB .* clean +add-cow, qed, raw$", image, "data.img", "base.img");
    }

    @Test
    void imagesOfTheUserInTheFirstLayoutAndWithoutATableAreCopied() throws Exception {
        Files.write(directory.resolve("base.img"), randomBytes(1 << 20));
        CreateOptions create = CreateOptions.ofSize(2 << 20)
                .with("version", 1)
                .with("compact_image", "off")
                .withBacking("base.img", "raw");
        Path image = directory.resolve("disk.fvd");
        BlockDevice.create("fvd", image.toString(), create, OpenOptions.readWrite());
        write(image);
        runsAndLeavesAsTheyAre("(?m)disk.fvd +fvd +2 MiB .* clean +add-cow, qed, raw$", image, "base.img");
    }

    @Test
    void dataFilesOfTheUserMayHaveBackingFilesThemselves() throws Exception {
        Files.write(directory.resolve("base.img"), randomBytes(2 << 20));
        Files.write(directory.resolve("under.img"), randomBytes(1 << 20));
        BlockDevice.create(
                "qed",
                directory.resolve("data.qed").toString(),
                CreateOptions.ofSize(3 << 20).withBacking("under.img", "raw"),
                OpenOptions.readWrite());
        CreateOptions create = CreateOptions.ofSize(3 << 20)
                .with("image_file", "data.qed")
                .with("image_fmt", "qed")
                .withBacking("base.img", "raw");
        Path image = directory.resolve("disk.add-cow");
        BlockDevice.create("add-cow", image.toString(), create, OpenOptions.readWrite());
        write(image);
        runsAndLeavesAsTheyAre(
                "(?m)disk.add-cow +add-cow +3 MiB .* clean +fvd, qed, raw$",
                image,
                "data.qed",
                "base.img",
                "under.img");
    }

    private static void write(Path image) throws Exception {
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readWrite())) {
            device.write(70_000, ByteBuffer.wrap(new byte[] {1, 2, 3}));
        }
    }

    /** Runs the tool on an image, and fails unless all its files are afterwards as they were before. */
    private void runsAndLeavesAsTheyAre(String line, Path image, String... others) throws Exception {
        Map<Path, byte[]> before = new TreeMap<>();
        before.put(image, Files.readAllBytes(image));
        for (String other : others) {
            before.put(directory.resolve(other), Files.readAllBytes(directory.resolve(other)));
        }
        Ran ran = run(SMALL, Trial.Tampering.NONE, image.toString());
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exit()).isZero();
        assertThat(ran.out()).containsPattern(line);
        assertThat(images).isNotEmpty().doesNotContainAnyElementsOf(before.keySet());
        for (Map.Entry<Path, byte[]> file : before.entrySet()) {
            assertThat(Files.readAllBytes(file.getKey()))
                    .as("%s", file.getKey())
                    .isEqualTo(file.getValue());
        }
    }

    @Test
    void anImageThatCannotBeHadFailsAndTheOthersGoOn() throws Exception {
        Path missing = directory.resolve("missing");
        Path large = Files.write(directory.resolve("large"), randomBytes(1 << 20));
        Path small = Files.write(directory.resolve("small"), new byte[1024]);
        Settings settings =
                new Settings(1, 2, 5, Duration.ofSeconds(30), 4, 4096, 0, 0, 100 << 10, Duration.ofSeconds(60));
        Ran ran = run(settings, Trial.Tampering.NONE, missing.toString(), large.toString(), small.toString());
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err().lines()).hasSize(1);
        assertThat(ran.err()).contains(missing + ": Could not open '" + missing + "': No such file");
        assertThat(ran.out()).containsPattern("(?m)small +raw +1 KiB +10 ");
    }

    /** Who has ten gigabytes of data sees what there is time for, and how much that is. */
    @Test
    void aLargeImageGetsAnOverlayAndIsVerifiedInPart() throws Exception {
        byte[] content = randomBytes(5 << 20);
        Path large = Files.write(directory.resolve("large"), content);
        Settings settings =
                new Settings(1, 2, 5, Duration.ofSeconds(30), 2, 4096, 0, 0, 2 << 20, Duration.ofSeconds(60));
        Ran ran = run(settings, Trial.Tampering.NONE, large.toString());
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exit()).isZero();
        assertThat(ran.out())
                .containsPattern("(?m)large +raw +5 MiB +10 .* none +none: a large disk, one MiB of 3 verified through")
                .contains("; every byte is verified, of large disks a part (seed 1)\n");
        assertThat(Files.readAllBytes(large)).isEqualTo(content);
        Ran seen = run(settings, (subject, device) -> overwrite(device, 3 << 20), large.toString());
        assertNamesTheByte(seen, large.toString(), 3 << 20);
        Ran unseen = run(settings, (subject, device) -> overwrite(device, 2 << 20), large.toString());
        assertThat(unseen.exit()).isZero();
    }

    /** The image is what its owner wants to know about, not the overlay. */
    @Test
    void theTableShowsTheLargeImageAndNotItsOverlay() throws Exception {
        Path image = directory.resolve("leaky.qed");
        BlockDevice.create("qed", image.toString(), CreateOptions.ofSize(3 << 20), OpenOptions.readWrite());
        try (BlockDevice device = BlockDevice.open(image.toString(), OpenOptions.readWrite())) {
            device.write(0, ByteBuffer.wrap(randomBytes(1 << 20)));
        }
        Files.write(image, randomBytes(3 << 20), StandardOpenOption.APPEND);
        byte[] before = Files.readAllBytes(image);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Table table = new Table(new PrintStream(out, true, StandardCharsets.UTF_8));
        try (Original original = Original.open(image.toString())) {
            Subject overlay = original.overlayIn(directory.resolve("overlay"), 1 << 30);
            table.add(new Trial(overlay, SMALL, Trial.Tampering.NONE).run(directory));
        }
        table.end();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .containsPattern("leaky.qed +qed +3 MiB +320 .* 0 bad, 48 leaks +"
                        + "add-cow, fvd, raw: a large image, through an overlay\n")
                .containsPattern("(?m)leaky.qed +#{21}\\+\\.{42}$");
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
    }

    private static void overwrite(BlockDevice device, long offset) throws Exception {
        byte[] one = new byte[1];
        device.read(offset, ByteBuffer.wrap(one));
        one[0] ^= (byte) 0xff;
        device.write(offset, ByteBuffer.wrap(one));
    }

    @Test
    void noImageIsBegunAfterTheTime() {
        Settings late = new Settings(1, 1, 1, Duration.ZERO, 1, 4096, 8192, 4096, 0, Duration.ZERO);
        Ran ran = run(late, Trial.Tampering.NONE);
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).contains("disk.raw: not begun: the time is up\n");
        assertThat(images).isEmpty();
    }

    @Test
    void optionsShowTheUsage() {
        assertThat(run(SMALL, Trial.Tampering.NONE, "--help").exit()).isZero();
        Ran wrong = run(SMALL, Trial.Tampering.NONE, "-x");
        assertThat(wrong.exit()).isEqualTo(1);
        assertThat(wrong.err()).startsWith("usage: loomblock quickstart [--seed N] [IMAGE...]\n");
        assertThat(run(SMALL, Trial.Tampering.NONE, "--seed", "x").exit()).isEqualTo(1);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(out, true);
        assertThat(Quickstart.run("x", new String[] {"-h"}, InputStream.nullInputStream(), stream, stream))
                .isZero();
    }

    @Test
    void whereThereIsNoImageThereIsNoTable() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(out, true);
        String[] words = {directory.resolve("missing").toString()};
        assertThat(Quickstart.run("x", words, InputStream.nullInputStream(), stream, stream))
                .isEqualTo(1);
        assertThat(out.toString()).startsWith("x: ").hasLineCount(1);
    }

    private static byte[] randomBytes(int size) {
        byte[] bytes = new byte[size];
        new Random(3).nextBytes(bytes);
        return bytes;
    }

    private static void flip(Path file, long offset) throws Exception {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, offset);
            one.put(0, (byte) ~one.get(0)).flip();
            channel.write(one, offset);
        }
    }
}
