// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.loomblock.driver.Drivers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same scripts through our tool and through qemu-io: the same output, messages, exit code and image. */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IoAgainstQemuTest {
    private static final String[] READS = {
        "read -C 0 512",
        "read -v 0 40",
        "write -P 65 0 20",
        "read -v 0 40",
        "read -vq 0 40",
        "read -qP 1 0 512",
        "read -P 65 -s 0 -l 20 0 512",
        "read -P 0 -s 20 0 512",
        "read -s 3 0 512",
        "read -P 65 -l 513 0 512",
        "read -P 65 -s 513 0 512",
        "read -P 1 -s 5 -l 7 512 512",
        "read -b 0 512",
        "read -b 1 512",
        "read 0 3G",
        "read 2M 0",
        "read 0 512 -q",
        "read -P 0xg 0 1",
        "r x: 1",
        "r -x 0 1",
        "read -P",
        "read 1 2 3",
        "readv 0 512 512",
        "readv -C 0 512",
        "readv 0 x",
        "readv 0 3G",
        "readv 0 1G 1G",
        "readv 0 100 200",
        "readv -v 0 3 4",
        "readv -P 1 0 100 200",
        "readv 2M 512",
        "readv 0",
        "readv x 512",
        "readv -q 0 0",
        "readv 0 0"
    };

    private static final String[] WRITES = {
        "write 0 512",
        "write -C 0 512",
        "write -q 0 512",
        "write -z 0 512",
        "write -u 0 512",
        "write -n 0 512",
        "write -zP 1 0 512",
        "write -zu 0 512",
        "write -fb 0 512",
        "write -fc 0 512",
        "write -bz 0 512",
        "write -b 0 512",
        "write -c 0 512",
        "write -b 1 512",
        "write -c 0 511",
        "write -f 0 512",
        "write -s nofile 0 512",
        "write -s pattern -P 3 0 512",
        "write -s pattern 0 512",
        "read -v 0 16",
        "write -zs pattern 0 512",
        "write 0 0",
        "write 1M 0",
        "write 1M 1",
        "write -z 1M 1",
        "write -zn 0 3G",
        "write -z 0 3G",
        "write 0 2G",
        "write -1 512",
        "write 512",
        "write 1 2 3",
        "write -s empty 0 512",
        "write -s . 0 512",
        "write -s pattern",
        "write -P 300 0 1",
        "write -s pattern -q 3 64k",
        "writev 0 512 512",
        "writev -C 0 512",
        "writev 1M 512",
        "writev 0",
        "writev -x 0 1",
        "writev 0 10 20",
        "write -P 3 200k 100k",
        "write -z 250k 10k",
        "read -P 0 250k 10k",
        "read -P 3 260k 1k",
        "flush",
        "flush 1",
        "map"
    };

    private static final String[] BACKGROUND = {
        "aio_write 0 512", "aio_flush", "aio_write -z 0 1 2", "aio_write -u 0 1", "aio_write -zP 1 0 512", "aio_flush",
        "aio_write -z 0 512", "aio_flush", "aio_write -i 0 512", "aio_read -i 0 512", "aio_read 0 512 1k", "aio_flush",
        "aio_read -C 0 512", "aio_flush", "aio_read -qP 1 0 512", "aio_flush", "aio_read 2M 512", "aio_flush",
        "aio_write 2M 512", "aio_flush", "aio_write -z 2M 512", "aio_flush", "aio_read -x 0 1", "aio_read 0",
        "aio_read 1 x", "aio_read -v 0 3 4", "aio_flush", "aio_flush 1", "aio_write -z 0 4G", "aio_flush",
        "aio_write -z 0 x", "aio_flush", "aio_write -s x 0 1", "aio_read -P 3 0 512"
    };

    private static final String[] IMAGE = {
        "discard 1M 512",
        "discard 0 x",
        "discard 0 3G",
        "discard 2M 512",
        "discard 0",
        "discard -x 0 1",
        "discard 0 2147483136",
        "discard 0 2147483137",
        "discard 0 0",
        "alloc 0",
        "alloc 0 1M",
        "alloc 0 2M",
        "alloc 1",
        "alloc 0 1",
        "alloc x",
        "alloc 0 x",
        "alloc 2M",
        "alloc 0 1 2",
        "alloc",
        "alloc 0 1024G",
        "alloc 64k 64k",
        "alloc -1",
        "alloc 0 0",
        "map",
        "map 1",
        "length",
        "length 1",
        "info",
        "info 1",
        "truncate 2M",
        "length",
        "map",
        "truncate 3000000",
        "length",
        "truncate x",
        "truncate",
        "truncate -m foo 1M",
        "truncate -m off 4M",
        "truncate -m metadata 5M",
        "truncate -x 1",
        "truncate -m",
        "length",
        "write 3M 64k",
        "map",
        "alloc 3M 512"
    };

    private static final String[] SESSION = {
        "sleep 1",
        "sleep x",
        "sleep",
        "sleep -1",
        "sigraise x",
        "sigraise 100",
        "sigraise 65",
        "sigraise 0",
        "sigraise",
        "break a b",
        "remove_break a",
        "resume a",
        "reopen",
        "reopen -r",
        "write 0 512",
        "reopen -w",
        "write 0 512",
        "reopen -rw",
        "reopen -c foo",
        "reopen -c writethrough",
        "reopen x",
        "reopen -x",
        "reopen -o foo=bar",
        "reopen -o foo",
        "reopen -o file.locking=off",
        "reopen -r -o read-only=on",
        "reopen -c none -o cache.direct=on",
        "reopen -o cache.no-flush=on",
        "reopen -o detect-zeroes=on",
        "write -P 0 0 64k",
        "reopen -o detect-zeroes=foo",
        "reopen -o read-only=foo",
        "reopen -o force-share=on",
        "reopen -r -o node-name=x",
        "write 0 512",
        "reopen -r",
        "reopen -r",
        "write 0 512",
        "reopen -w",
        "write 0 512",
        "open",
        "open disk",
        "close",
        "close",
        "length",
        "o disk -r",
        "length",
        "w 0 1",
        "c",
        "open -x disk",
        "open nope",
        "open -t foo disk",
        "open -t none disk",
        "length",
        "c",
        "open -d foo disk",
        "open -d on disk",
        "close 1",
        "close",
        "open a b",
        "open -o driver=FORMAT,file.filename=DISK",
        "length",
        "close",
        "open -o file.filename=DISK",
        "close",
        "open -o driver=FORMAT disk",
        "write 0 512",
        "close",
        "open -o foo,driver=FORMAT disk",
        "open -o x.img",
        "open -o help",
        "open -o driver=FORMAT,file.filename=DISK disk",
        "open -o driver=FORMAT,backing.file.filename=x disk",
        "open -o read-only=off,driver=FORMAT -r disk",
        "write 0 512",
        "close",
        "open -o read-only=on,driver=FORMAT disk",
        "open -o force-share=on,driver=FORMAT disk",
        "open -o driver=FORMAT -o file.filename=DISK",
        "close",
        "open -Cr disk",
        "open -sr disk",
        "open -s -o driver=FORMAT disk",
        "write -P 7 0 512",
        "read -P 7 0 512",
        "close",
        "open -C -o driver=FORMAT disk",
        "read 0 512",
        "close",
        "open -U disk",
        "open -rU disk",
        "m",
        "",
        "  length  ",
        "help zzz",
        "help read x",
        "quit",
        "length"
    };

    private static final String RULE = "driver=raw,file.driver=blkdebug,file.image.filename=IMAGE,file.%s";

    @TempDir
    Path directory;

    @BeforeAll
    static void needsQemu() {
        boolean there = isExecutable("qemu-io") && isExecutable("qemu-img");
        boolean required =
                "true".equals(System.getProperty("LOOMBLOCK_REQUIRE_TOOLS", System.getenv("LOOMBLOCK_REQUIRE_TOOLS")));
        assertThat(there || !required).as("qemu-io and qemu-img are required").isTrue();
        assumeTrue(there, "qemu-io and qemu-img are not installed");
    }

    private static boolean isExecutable(String tool) {
        for (String path : System.getenv().getOrDefault("PATH", "").split(":")) {
            if (Files.isExecutable(Path.of(path, tool))) {
                return true;
            }
        }
        return false;
    }

    static List<String> formats() {
        return Drivers.find("qed") == null ? List.of("raw") : List.of("raw", "qed");
    }

    @ParameterizedTest
    @MethodSource("formats")
    void reads(String format) throws Exception {
        sameOnBoth(format, READS);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void writes(String format) throws Exception {
        sameOnBoth(format, WRITES);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void backgroundRequests(String format) throws Exception {
        sameOnBoth(format, BACKGROUND);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void commandsOnTheImage(String format) throws Exception {
        sameOnBoth(format, IMAGE);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void commandsOnTheSession(String format) throws Exception {
        sameOnBoth(format, SESSION);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void randomScripts(String format) throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> script = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            int offset = random.nextInt(1 << 20);
            int length = 1 + random.nextInt(Math.min(150_000, (1 << 20) - offset));
            int pattern = random.nextInt(256);
            script.add(
                    switch (random.nextInt(6)) {
                        case 0 -> "read -P " + pattern + " " + offset + " " + length;
                        case 1 -> "read -v " + offset + " " + Math.min(length, 100);
                        case 2 -> "write -z " + offset + " " + length;
                        case 3 ->
                            "writev -P " + pattern + " " + offset + " " + (length - length / 3) + " " + length / 3;
                        case 4 -> "alloc " + offset + " " + length;
                        default -> "write -P " + pattern + " " + offset + " " + length;
                    });
        }
        script.add("map");
        assertThat(runBoth(format, script.toArray(new String[0])))
                .as("seed %d", seed)
                .isTrue();
    }

    @Test
    void aDialogue() throws Exception {
        byte[] script =
                "length\n\nnonsense\nread -P 1 0 512\nread -v 0 5\nquit\nlength\n".getBytes(StandardCharsets.UTF_8);
        Path ours = image("raw", "ours");
        Path theirs = image("raw", "theirs");
        Path input = Files.write(directory.resolve("script"), script);
        Ran expected = qemu(input, List.of("-f", "raw", theirs.toString()));
        Ran actual = Ran.io(Files.readString(input), List.of("-f", "raw", ours.toString()));
        assertThat(actual.withoutTimes()).isEqualTo(expected.withoutTimes());
    }

    @Test
    void commandLines() throws Exception {
        for (List<String> args : List.of(
                List.of("-c", "length", "IMAGE"),
                List.of("-r", "-c", "length", "IMAGE"),
                List.of("-c", "write 0 512", "file:IMAGE"),
                List.of("-c", "length", "foo:bar"),
                List.of("-c", "length", ""),
                List.of("-c", "length", "nope"),
                List.of("-f", "foo", "IMAGE"),
                List.of("-U", "IMAGE"),
                List.of("-rU", "-c", "length", "IMAGE"),
                List.of("-t", "foo", "IMAGE"),
                List.of("--image-opts", "-c", "length", "driver=raw,file.filename=IMAGE"),
                List.of("--image-opts", "-c", "length", "file.filename=IMAGE"),
                List.of("--image-opts", "-f", "raw", "-c", "length", "driver=raw,file.filename=IMAGE"),
                List.of("--image-opts", "-c", "length", "foo=bar"),
                List.of("--image-opts", "-c", "length", "driver=foo"),
                List.of("--image-opts", "-c", "length", "x"),
                List.of("--image-opts", "-c", "length", "id=1a"),
                List.of("-c", "length", "json:{\"file.filename\":\"IMAGE\"}"),
                List.of("-c", "length", "json:{\"driver\":\"raw\",\"file\":{\"filename\":\"IMAGE\"}}"),
                List.of("-c", "length", "json:{\"driver\":\"raw\"}"),
                List.of("-C", "-r", "-c", "length", "IMAGE"),
                List.of("-C", "-f", "raw", "-c", "read 0 512", "IMAGE"),
                List.of("-s", "-f", "raw", "-c", "write -P 3 0 512", "-c", "read -P 3 0 512", "IMAGE"),
                List.of("-s", "-r", "-f", "raw", "-c", "write 0 512", "IMAGE"),
                List.of("-i", "foo", "IMAGE"),
                List.of("-d", "foo", "IMAGE"),
                List.of("--read", "-f", "raw", "--cm=length", "IMAGE"),
                List.of("--cm", "length", "IMAGE", "-f", "raw"),
                List.of("-fraw", "-clength", "IMAGE"),
                List.of("-n", "-f", "raw", "-c", "read 0 512", "-c", "write 100 100", "IMAGE"),
                List.of("-m", "-f", "raw", "-c", "write 0 64k", "-c", "readv 1 100 3k", "IMAGE"),
                List.of("-f", "raw", "-c", "read -v 0 5", "-c", "nonsense", "-c", "length", "IMAGE"))) {
            Path image = image("raw", "disk");
            List<String> withName =
                    args.stream().map(a -> a.replace("IMAGE", image.toString())).toList();
            Ran expected = qemu(null, withName);
            image("raw", "disk");
            assertThat(Ran.io("", withName).withoutTimes())
                    .as(String.join(" ", args))
                    .isEqualTo(expected.withoutTimes());
        }
    }

    /** Without a cache mode every write is made durable, so that a flush that fails is a write that does. */
    @Test
    void injectedFaults() throws Exception {
        String flush = "inject-error.0.event=none,file.inject-error.0.iotype=flush,file.inject-error.0.errno=28";
        for (List<String> args : List.of(
                List.of("-c", "write 0 64k", RULE.formatted(flush)),
                List.of("-t", "writethrough", "-c", "write 0 64k", RULE.formatted(flush)),
                List.of("-n", "-c", "write 0 64k", "-c", "flush", RULE.formatted(flush)),
                List.of("-c", "read 0 512", RULE.formatted("inject-error.0.event=read_aio")),
                List.of(
                        "-c",
                        "write 0 512",
                        RULE.formatted("inject-error.0.event=write_aio,file.inject-error.0.once=on")),
                List.of("-c", "read 0 512", RULE.formatted("inject-error.0.event=none,file.inject-error.0.errno=61")),
                List.of("-c", "read 0 512", RULE.formatted("inject-error.0.event=none,file.inject-error.0.errno=121")),
                List.of("-c", "read 0 512", "driver=blkdebug,image.filename=IMAGE"))) {
            Path image = image("raw", "disk");
            List<String> words = new ArrayList<>(List.of("--image-opts"));
            args.forEach(a -> words.add(a.replace("IMAGE", image.toString())));
            assertThat(Ran.io("", words).withoutTimes())
                    .as(String.join(" ", args))
                    .isEqualTo(qemu(null, words).withoutTimes());
        }
    }

    private void sameOnBoth(String format, String... commands) throws Exception {
        assertThat(runBoth(format, commands)).as("same image content").isTrue();
    }

    /** Compares what is printed; returns whether the images read the same afterwards. */
    private boolean runBoth(String format, String... commands) throws Exception {
        Path image = directory.resolve("disk");
        Files.writeString(directory.resolve("pattern"), "abcde");
        Files.writeString(directory.resolve("empty"), "");
        String[] absolute = new String[commands.length];
        for (int i = 0; i < commands.length; i++) {
            absolute[i] = absolute(commands[i]).replace("FORMAT", format).replace("DISK", image.toString());
        }
        image(format, "disk");
        Ran expected = qemu(null, Ran.arguments(format, image.toString(), absolute));
        Path theirs = Files.move(image, directory.resolve("theirs"));
        image(format, "disk");
        Ran actual = Ran.commands(format, image, absolute);
        assertThat(actual.withoutTimes()).isEqualTo(expected.withoutTimes());
        boolean same =
                execute(List.of("qemu-img", "compare", "-f", format, "-F", format, theirs.toString(), image.toString()))
                                .exit()
                        == 0;
        Files.delete(theirs);
        return same;
    }

    /** Names of files are relative in the scripts, and this process cannot change its directory. */
    private String absolute(String command) {
        return command.replaceAll("(?<= )(disk|pattern|empty|nofile|nope|\\.)(?= |$)", directory + "/$1");
    }

    private Path image(String format, String name) throws Exception {
        Path image = directory.resolve(name);
        Files.deleteIfExists(image);
        Ran created = execute(List.of("qemu-img", "create", "-q", "-f", format, image.toString(), "1M"));
        assertThat(created.exit()).as(created.err()).isZero();
        return image;
    }

    private Ran qemu(Path input, List<String> args) throws Exception {
        List<String> command = new ArrayList<>(List.of("qemu-io"));
        command.addAll(args);
        return execute(command, input);
    }

    private Ran execute(List<String> command) throws Exception {
        return execute(command, null);
    }

    private Ran execute(List<String> command, Path input) throws IOException, InterruptedException {
        Path out = directory.resolve("stdout");
        Path err = directory.resolve("stderr");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        if (input != null) {
            builder.redirectInput(input.toFile());
        }
        Process process = builder.start();
        if (input == null) {
            process.getOutputStream().close();
        }
        assertThat(process.waitFor(120, TimeUnit.SECONDS))
                .as("%s ends", command)
                .isTrue();
        return new Ran(process.exitValue(), Files.readString(out), Files.readString(err));
    }
}
