// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IoCommandTest {
    private static final int MIB = 1 << 20;

    @TempDir
    Path directory;

    private Path image;

    @BeforeEach
    void createImage() throws IOException {
        image = directory.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(MIB);
        }
    }

    @Test
    void aWriteIsInTheFileAndReportsItself() throws IOException {
        Ran ran = Ran.commands("raw", image, "write -P 65 512 1k").withoutTimes();
        assertThat(ran).isEqualTo(new Ran(0, "wrote 1024/1024 bytes at offset 512\n1 KiB, 1 ops; TIME\n", ""));
        byte[] content = Files.readAllBytes(image);
        assertThat(content).hasSize(MIB);
        assertThat(Arrays.copyOfRange(content, 512, 1536)).containsOnly(65);
        assertThat(content[511]).isZero();
        assertThat(content[1536]).isZero();
    }

    @Test
    void aReadOfAnotherPatternFails() {
        Ran ran = Ran.commands("raw", image, "write -q -P 3 0 4k", "read -P 3 0 4k", "read -P 4 -s 1k -l 512 0 4k")
                .withoutTimes();
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.out())
                .isEqualTo("read 4096/4096 bytes at offset 0\n4 KiB, 1 ops; TIME\n"
                        + "Pattern verification failed at offset 1024, 512 bytes\n"
                        + "read 4096/4096 bytes at offset 0\n4 KiB, 1 ops; TIME\n");
    }

    @Test
    void anAddCowImageIsReadAndWrittenWithItsDataFile() throws IOException {
        Path base = Files.write(directory.resolve("base.img"), new byte[MIB]);
        assertThat(Ran.commands("raw", base, "write -q -P 7 0 1M").exit()).isZero();
        Path overlay = directory.resolve("disk.add-cow");
        BlockDevice.create(
                "add-cow",
                overlay.toString(),
                CreateOptions.ofSize(MIB).with("image_file", "disk.img").withBacking("base.img", "raw"),
                OpenOptions.readWrite());
        Ran ran = Ran.commands(
                        "add-cow",
                        overlay,
                        "write -P 65 70000 1k",
                        "read -P 65 70000 1k",
                        "read -P 7 65536 4464",
                        "map")
                .withoutTimes();
        assertThat(ran)
                .isEqualTo(new Ran(
                        0,
                        "wrote 1024/1024 bytes at offset 70000\n1 KiB, 1 ops; TIME\n"
                                + "read 1024/1024 bytes at offset 70000\n1 KiB, 1 ops; TIME\n"
                                + "read 4464/4464 bytes at offset 65536\n4.359 KiB, 1 ops; TIME\n"
                                + "64 KiB (0x10000) bytes not allocated at offset 0 bytes (0x0)\n"
                                + "64 KiB (0x10000) bytes     allocated at offset 64 KiB (0x10000)\n"
                                + "896 KiB (0xe0000) bytes not allocated at offset 128 KiB (0x20000)\n",
                        ""));
        assertThat(Arrays.copyOfRange(Files.readAllBytes(image), 70000, 71024)).containsOnly(65);
        assertThat(Files.readAllBytes(base)).containsOnly(7);
    }

    @Test
    void aDumpShowsBytesAndLetters() {
        Ran ran = Ran.commands("raw", image, "write -q -P 0x41 4090 7", "read -v 4088 18")
                .withoutTimes();
        assertThat(ran.out())
                .isEqualTo("00000ff8:  00 00 41 41 41 41 41 41 41 00 00 00 00 00 00 00  ..AAAAAAA.......\n"
                        + "00001008:  00 00  ..\n"
                        + "read 18/18 bytes at offset 4088\n18 bytes, 1 ops; TIME\n");
    }

    @Test
    void aFileIsRepeatedAsPattern() throws IOException {
        Path pattern = Files.writeString(directory.resolve("pattern"), "abc");
        assertThat(Ran.commands("raw", image, "write -q -s " + pattern + " 10 8")
                        .exit())
                .isZero();
        assertThat(Arrays.copyOfRange(Files.readAllBytes(image), 9, 19)).isEqualTo("\0abcabcab\0".getBytes());
    }

    @Test
    void theOthersGoOnAfterACommandThatFailed() {
        Ran ran = Ran.commands("raw", image, "nonsense", "length", "read", "read -x 0 1", "read 0 2M");
        assertThat(ran).isEqualTo(new Ran(1, """
                        1 MiB
                        read [-abCqv] [-P pattern [-s off] [-l len]] off len -- reads a number of bytes at a specified offset
                        read failed: Input/output error
                        """, """
                        command "nonsense" not found
                        bad argument count 0 to read, expected at least 2 arguments
                        read: invalid option -- 'x'
                        """));
    }

    @Test
    void quitEndsTheCommands() {
        assertThat(Ran.commands("raw", image, "length", "quit", "nonsense")).isEqualTo(new Ran(0, "1 MiB\n", ""));
    }

    @Test
    void aDialoguePromptsUntilItsInputEnds() {
        Ran ran = Ran.io("length\n\n  alloc   0  \nq\nlength\n", List.of("-f", "raw", image.toString()));
        assertThat(ran.exit()).isZero();
        assertThat(ran.out())
                .isEqualTo("qemu-io> 1 MiB\nqemu-io> qemu-io> 512/512 bytes allocated at offset 0 bytes\nqemu-io> ");
        assertThat(Ran.io("", List.of())).isEqualTo(new Ran(0, "qemu-io> ", ""));
        assertThat(Ran.io("length", List.of()))
                .isEqualTo(new Ran(1, "qemu-io> qemu-io> ", "no file open, try 'help open'\n"));
    }

    @Test
    void aReadOnlyImageIsNotWritten() {
        Ran ran = Ran.io("", List.of("-r", "-f", "raw", "-c", "write 0 512", "-c", "length", image.toString()));
        assertThat(ran).isEqualTo(new Ran(1, "1 MiB\n", "qemu-io: Block node is read-only\n"));
    }

    @Test
    void aWritableImageThatOnlyAGuessMadeRawIsWarnedOf() {
        Ran writable = Ran.io("", List.of("-c", "length", image.toString()));
        assertThat(writable.err().lines())
                .containsExactly(
                        "WARNING: Image format was not specified for '" + image + "' and probing guessed raw.",
                        "         Automatically detecting the format is dangerous for raw images, write operations on"
                                + " block 0 will be restricted.",
                        "         Specify the 'raw' format explicitly to remove the restrictions.");
        assertThat(Ran.io("", List.of("-r", "-c", "length", image.toString())).err())
                .isEmpty();
    }

    @Test
    void anImageThatCannotBeOpenedEndsTheRun() {
        Path missing = directory.resolve("missing");
        assertThat(Ran.commands("raw", missing, "length"))
                .isEqualTo(new Ran(
                        1,
                        "",
                        "qemu-io: can't open device " + missing + ": Could not open '" + missing
                                + "': No such file or directory\n"));
        assertThat(Ran.commands("nonsense", image, "length").err())
                .isEqualTo("qemu-io: can't open device " + image + ": Unknown driver 'nonsense'\n");
        assertThat(Ran.io("", List.of("-U", image.toString())).err())
                .isEqualTo("qemu-io: can't open device " + image
                        + ": force-share=on can only be used with read-only images\n");
    }

    @Test
    void imagesCanBeOpenedAndClosedByCommands() {
        Ran ran = Ran.io(
                "",
                List.of(
                        "-c",
                        "open -r -o driver=raw " + image,
                        "-c",
                        "length",
                        "-c",
                        "open " + image,
                        "-c",
                        "write 0 1",
                        "-c",
                        "close",
                        "-c",
                        "length"));
        assertThat(ran.out()).isEqualTo("1 MiB\n");
        assertThat(ran.err())
                .isEqualTo("qemu-io: file open already, try 'help close'\n"
                        + "qemu-io: Block node is read-only\n"
                        + "no file open, try 'help open'\n");
    }

    @Test
    void anOptionThatTheFormatDoesNotHaveIsRefused() {
        Ran ran = Ran.io("", List.of("-c", "open -o driver=raw,nonsense=1 " + image));
        assertThat(ran)
                .isEqualTo(new Ran(
                        1,
                        "",
                        "qemu-io: can't open device " + image
                                + ": Block format 'raw' does not support the option 'nonsense'\n"));
    }

    @Test
    void reopenChangesTheAccess() throws IOException {
        Ran ran = Ran.commands(
                "raw",
                image,
                "reopen -r",
                "write 0 512",
                "reopen -w",
                "write -q -P 7 0 512",
                "reopen -r -w",
                "reopen -c x");
        assertThat(ran)
                .isEqualTo(new Ran(
                        1,
                        "",
                        "qemu-io: Block node is read-only\n"
                                + "qemu-io: Only one -r/-w option may be given\n"
                                + "qemu-io: Invalid cache option: x\n"));
        assertThat(Files.readAllBytes(image)[0]).isEqualTo((byte) 7);
    }

    @Test
    void backgroundRequestsReportUntilTheFlush() {
        Ran ran = Ran.commands(
                        "raw",
                        image,
                        "aio_write -P 1 0 64k 64k",
                        "aio_flush",
                        "aio_read -P 1 64k 64k",
                        "aio_flush",
                        "aio_read -P 2 -q 0 64k",
                        "aio_flush",
                        "aio_write 2M 512",
                        "aio_flush")
                .withoutTimes();
        assertThat(ran).isEqualTo(new Ran(0, """
                        wrote 131072/131072 bytes at offset 0
                        128 KiB, 1 ops; TIME
                        read 65536/65536 bytes at offset 65536
                        64 KiB, 1 ops; TIME
                        Pattern verification failed at offset 0, 65536 bytes
                        aio_write failed: Input/output error
                        """, ""));
    }

    @Test
    void requestsInFlightFinishBeforeTheImageIsClosed() throws IOException {
        List<String> args = new ArrayList<>(List.of("-f", "raw"));
        for (int i = 0; i < 64; i++) {
            args.addAll(List.of("-c", "aio_write -P " + (i + 1) + " " + i * 16 + "k 16k"));
        }
        args.addAll(List.of("-c", "close", "-c", "open -o driver=raw " + image));
        for (int i = 0; i < 64; i++) {
            args.addAll(List.of("-c", "read -q -P " + (i + 1) + " " + i * 16 + "k 16k"));
        }
        args.add(image.toString());
        Ran ran = Ran.io("", args);
        assertThat(ran.exit()).as(ran.out() + ran.err()).isZero();
        assertThat(ran.out().lines().filter(line -> line.startsWith("wrote 16384/16384")))
                .hasSize(64);
    }

    @Test
    void theOrderAgainstStandardErrorIsThatOfABufferedOutput() {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(both, true);
        String[] args = {"-f", "raw", "-c", "length", "-c", "nonsense", image.toString()};
        IoCommand.run("qemu-io", args, InputStream.nullInputStream(), stream, stream);
        assertThat(both.toString()).isEqualTo("command \"nonsense\" not found\n1 MiB\n");
    }

    @Test
    void misalignedBuffersWorkToo() {
        Ran ran = Ran.io(
                "",
                List.of(
                        "-m",
                        "-n",
                        "-f",
                        "raw",
                        "-c",
                        "writev -q -P 9 100 5k 300 64k",
                        "-c",
                        "readv -q -P 9 100 70k",
                        "-c",
                        "readv -q -P 9 100 5k 300 64k",
                        image.toString()));
        assertThat(ran.out()).isEqualTo("Pattern verification failed at offset 100, 71680 bytes\n");
    }

    @Test
    void helpListsAndExplains() {
        Ran all = Ran.io("", List.of("-c", "help"));
        assertThat(all.out())
                .startsWith("abort -- simulate")
                .contains("\nmap  -- prints")
                .endsWith("extended help.\n");
        assertThat(Ran.io("", List.of("-c", "help r")).out())
                .startsWith("r [-abCqv]")
                .contains("'read -v 512 1k'");
        assertThat(Ran.io("", List.of("-c", "help zzz"))).isEqualTo(new Ran(1, "command zzz not found\n", ""));
        assertThat(Ran.io("", List.of("-h")).out()).startsWith("Usage: qemu-io [OPTIONS]... [-c STRING]... [file]\n");
        assertThat(Ran.io("", List.of("-V")).out()).startsWith("qemu-io version ");
    }

    @Test
    void aWrongCommandLineShowsTheUsage() {
        Ran ran = Ran.io("", List.of("-Q"));
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).isEqualTo("qemu-io: invalid option -- 'Q'\n");
        assertThat(ran.out()).startsWith("Usage: ");
        assertThat(Ran.io("", List.of("a", "b")).out()).startsWith("Usage: ");
        assertThat(Ran.io("", List.of("-t", "x"))).isEqualTo(new Ran(1, "", "qemu-io: Invalid cache option: x\n"));
        assertThat(Ran.io("", List.of("-d", "x"))).isEqualTo(new Ran(1, "", "qemu-io: Invalid discard option: x\n"));
        assertThat(Ran.io("", List.of("-i", "x"))).isEqualTo(new Ran(1, "", "qemu-io: Invalid aio option: x\n"));
    }

    @Test
    void whatIsNotThereYetIsRefused() {
        Ran ran = Ran.io("", List.of("--object=secret", image.toString()));
        assertThat(ran).isEqualTo(new Ran(1, "", "qemu-io: --object is not supported\n"));
    }

    @Test
    void aTemporaryOverlayTakesWhatIsWritten() {
        String name = image.toString();
        Ran ran = Ran.io("", List.of("-s", "-f", "raw", "-c", "write -P 9 0 512", "-c", "read -P 9 0 512", name));
        assertThat(ran.exit()).as(ran.err()).isZero();
        assertThat(Ran.io("", List.of("-f", "raw", "-c", "read -P 9 0 512", name))
                        .exit())
                .isEqualTo(1);
    }

    @Test
    void copiesOnReadNeedAnImageThatMayBeWritten() {
        Ran ran = Ran.io("", List.of("-C", "-r", "-f", "raw", "-c", "length", image.toString()));
        assertThat(ran)
                .isEqualTo(new Ran(
                        1,
                        "",
                        "qemu-io: can't open device " + image + ": Can't use copy-on-read on read-only device\n"));
    }

    @Test
    void anImageMayBeDescribedByOptionsOrJson() {
        for (List<String> words : List.of(
                List.of("--image-opts", "-c", "length", "driver=raw,file.filename=" + image),
                List.of("-c", "open -o driver=raw,file.filename=" + image, "-c", "length"),
                List.of("-c", "length", "json:{\"driver\":\"raw\",\"file\":{\"filename\":\"" + image + "\"}}"))) {
            Ran ran = Ran.io("", words);
            assertThat(ran.exit()).as(ran.err()).isZero();
            assertThat(ran.err()).isEmpty();
        }
        assertThat(Ran.io("", List.of("--image-opts", "-f", "raw", "-c", "length", "driver=raw")))
                .isEqualTo(new Ran(1, "", "qemu-io: --image-opts and -f are mutually exclusive\n"));
    }
}
