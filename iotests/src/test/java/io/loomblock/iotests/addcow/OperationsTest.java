// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.addcow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Img;
import io.loomblock.testkit.Pattern;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the tools and the interface do with add-cow images: create, info, check, map, resize, convert, compare, reopen, faults on request. */
@Tag("jars")
class OperationsTest {
    private static final int SIZE = 1 << 20;
    private static final OpenOptions READ_WRITE =
            OpenOptions.readWrite().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile());

    @TempDir
    Path directory;

    private Path image;
    private byte[] base;

    @BeforeEach
    void files() throws Exception {
        image = directory.resolve("test.add-cow");
        base = Pattern.bytes(3, 0, SIZE);
        Files.write(path("base.raw"), base);
        empty("data.raw", 0);
    }

    private Path path(String name) {
        return directory.resolve(name);
    }

    private void empty(String name, long length) throws Exception {
        try (RandomAccessFile made = new RandomAccessFile(path(name).toFile(), "rw")) {
            made.setLength(length);
        }
    }

    private Img.Result create(String options, Object... more) {
        Object[] arguments = Stream.concat(
                        Stream.of("create", "-f", "add-cow", "-o", options, image), Arrays.stream(more))
                .toArray();
        return Img.run(arguments);
    }

    private void createOverlay() {
        create("image_file=data.raw,backing_file=base.raw,backing_fmt=raw").expectExit(0);
    }

    @Test
    void createDoesNotLookAtTheBackingFileWhenTold() throws Exception {
        Files.delete(path("base.raw"));
        Object[] overlay = {"create", "-f", "add-cow", "-o", "image_file=data.raw", "-b", "base.raw", "-F", "raw"};
        Img.run(Stream.concat(Arrays.stream(overlay), Stream.of(image, "1M")).toArray())
                .expectExit(1);
        assertThat(image).doesNotExist();
        Img.run(Stream.concat(Arrays.stream(overlay), Stream.of("-u", image, "1M"))
                        .toArray())
                .expectExit(0);
        Files.write(path("base.raw"), base);
        try (BlockDevice device = open(OpenOptions.readOnly())) {
            assertThat(Guest.read(device, 0, 4096)).isEqualTo(Arrays.copyOf(base, 4096));
        }
    }

    private BlockDevice open(OpenOptions options) throws BlockException {
        return BlockDevice.open(image.toString(), options);
    }

    private List<String> everything() throws Exception {
        try (Stream<Path> all = Files.list(directory)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void createTakesItsOptionsAndSaysThem() throws Exception {
        Img.Result made = create("image_file=data.raw,backing_file=base.raw,backing_fmt=raw,cluster_size=4k");
        made.expectExit(0);
        assertThat(made.out())
                .startsWith("Formatting '" + image + "', fmt=add-cow size=1048576 backing_file=base.raw"
                        + " backing_fmt=raw image_file=data.raw image_fmt=raw cluster_size=4096");
        assertThat(everything()).containsExactly("base.raw", "data.raw", "test.add-cow");
        Img.Result help = Img.run("create", "-f", "add-cow", "-o", "help");
        assertThat(help.out())
                .contains("image_file=<str>")
                .contains("image_fmt=<str>")
                .contains("cluster_size=<size>");
    }

    /** R9: convert and create make no data file for the user. */
    @Test
    void withoutAnImageFileNothingIsMade() throws Exception {
        assertThat(create("cluster_size=64k", "1M").expectExit(1).err()).contains("image_file");
        assertThat(Img.run("convert", "-f", "raw", "-O", "add-cow", path("base.raw"), image)
                        .expectExit(1)
                        .err())
                .contains("image_file");
        assertThat(everything()).containsExactly("base.raw", "data.raw");
    }

    /** R10 */
    @Test
    void noBackingFileIsInvented() throws Exception {
        create("image_file=data.raw", "1M").expectExit(0);
        assertThat(everything()).containsExactly("base.raw", "data.raw", "test.add-cow");
        try (BlockDevice device = open(READ_WRITE)) {
            assertThat(device.node().backing()).isNull();
            assertThat(device.info().formatSpecific()).containsEntry("all-allocated", true);
        }
    }

    /** E12: the size is the backing file's only where the data file has no larger one. */
    @Test
    void aLongerDataFileDeterminesTheSizeUnlessOneIsSaid() throws Exception {
        Files.write(path("data.raw"), Pattern.bytes(4, 0, 2 * SIZE));
        create("image_file=data.raw,backing_file=base.raw,backing_fmt=raw", "1M")
                .expectExit(1);
        assertThat(Files.size(path("data.raw"))).isEqualTo(2 * SIZE);
        createOverlay();
        assertThat(Files.size(path("data.raw"))).isEqualTo(2 * SIZE);
        try (BlockDevice device = open(READ_WRITE)) {
            assertThat(device.length()).isEqualTo(2 * SIZE);
        }
    }

    @Test
    void infoShowsTheDataFileAndCountsIt() throws Exception {
        createOverlay();
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, 0, 256 << 10, 'a');
        }
        Img.Result text = Img.run("info", image).expectExit(0);
        assertThat(text.out())
                .contains("file format: add-cow\n")
                .contains("virtual size: 1 MiB (1048576 bytes)\n")
                .contains("cluster_size: 65536\n")
                .contains("backing file: base.raw (actual path: " + path("base.raw") + ")\n")
                .contains("backing file format: raw\n")
                .contains("    data file: data.raw\n")
                .contains("    data file format: raw\n");
        JsonNode json = new ObjectMapper()
                .readTree(Img.run("info", "--output=json", image).expectExit(0).out());
        assertThat(json.get("format").asText()).isEqualTo("add-cow");
        try (BlockDevice device = open(READ_WRITE)) {
            long own = device.node().child("file").allocatedFileSize();
            long data = device.node().child("data-file").allocatedFileSize();
            if (own >= 0) {
                assertThat(json.get("actual-size").asLong()).isEqualTo(own + data);
            }
        }
    }

    @Test
    void checkFindsAndRepairs() throws Exception {
        createOverlay();
        assertThat(Img.run("check", image).expectExit(0).out()).contains("No errors were found on the image.");
        // The data file is cut by other hands after its last cluster was written.
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, SIZE - 512, 512, 'z');
        }
        empty("data.raw", SIZE / 2);
        assertThat(Img.run("check", image).expectExit(2).out()).contains("1 errors were found");
        Img.run("check", "-r", "leaks", image).expectExit(2);
        Img.run("check", "-r", "all", image).expectExit(0);
        Img.run("check", image).expectExit(0);
        // It grows by other hands, so that the bitmap does not reach.
        empty("data.raw", 1L << 40);
        assertThat(Img.run("info", image).expectExit(1).err()).contains("bitmap is too short");
        Img.run("check", image).expectExit(2);
        Img.run("check", "-r", "all", image).expectExit(0);
        try (BlockDevice device = open(READ_WRITE)) {
            assertThat(device.length()).isEqualTo(1L << 40);
            assertThat(Guest.read(device, 0, 512)).isEqualTo(Arrays.copyOf(base, 512));
        }
    }

    @Test
    void mapNamesTheFileInWhichDataLies() throws Exception {
        createOverlay();
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, 65536, 65536, 'a');
        }
        String out = Img.run("map", image).expectExit(0).out();
        assertThat(out)
                .containsPattern("0x10000 +0x10000 +0x10000 +" + path("data.raw") + "\n")
                .containsPattern("0 +0x10000 +0 +" + path("base.raw") + "\n");
        JsonNode map = new ObjectMapper()
                .readTree(Img.run("map", "--output=json", image).expectExit(0).out());
        assertThat(map).hasSize(3);
        assertThat(map.get(1).get("depth").asInt()).isZero();
        assertThat(map.get(0).get("depth").asInt()).isEqualTo(1);
    }

    @Test
    void resizeGrowsAndShrinks() throws Exception {
        createOverlay();
        Img.run("resize", image, "+512k").expectExit(0);
        assertThat(Files.size(path("data.raw"))).isEqualTo(SIZE + (512 << 10));
        Img.run("resize", image, "1M").expectExit(1);
        Img.run("resize", "--shrink", image, "300k").expectExit(0);
        assertThat(Files.size(path("data.raw"))).isEqualTo(300 << 10);
        Img.run("resize", image, "1M").expectExit(0);
        try (BlockDevice device = open(READ_WRITE)) {
            assertThat(Guest.read(device, 0, 300 << 10)).isEqualTo(Arrays.copyOf(base, 300 << 10));
            Guest.expect(device, 300 << 10, SIZE - (300 << 10), 0);
        }
    }

    /** To and from every format, the data file made by the user; stale bytes in it are overwritten (hasZeroInit is false). */
    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    void convertToAndFrom(String other) throws Exception {
        Files.write(path("data.raw"), Pattern.bytes(9, 0, SIZE));
        byte[] sparse = base.clone();
        Arrays.fill(sparse, SIZE / 4, SIZE / 2, (byte) 0);
        Files.write(path("source.raw"), sparse);
        Path source = path("source." + other);
        if (!other.equals("raw")) {
            Img.run("convert", "-f", "raw", "-O", other, path("source.raw"), source)
                    .expectExit(0);
        }
        Img.run("convert", "-f", other, "-O", "add-cow", "-o", "image_file=data.raw", source, image)
                .expectExit(0);
        Img.run("compare", "-f", "add-cow", "-F", other, image, source).expectExit(0);
        Img.run("convert", "-f", "add-cow", "-O", other, image, path("back." + other))
                .expectExit(0);
        Img.run("compare", "-f", other, "-F", "raw", path("back." + other), path("source.raw"))
                .expectExit(0);
    }

    @Test
    void convertKeepsABackingFile() throws Exception {
        byte[] changed = base.clone();
        Arrays.fill(changed, 100_000, 200_000, (byte) 'x');
        Files.write(path("changed.raw"), changed);
        Img.run(
                        "convert",
                        "-f",
                        "raw",
                        "-O",
                        "add-cow",
                        "-B",
                        path("base.raw"),
                        "-F",
                        "raw",
                        "-o",
                        "image_file=data.raw",
                        path("changed.raw"),
                        image)
                .expectExit(0);
        Img.run("compare", "-f", "add-cow", "-F", "raw", image, path("changed.raw"))
                .expectExit(0);
        try (BlockDevice device = open(READ_WRITE)) {
            assertThat(device.node().backing()).isNotNull();
        }
    }

    /** A data file that is an image itself is flushed as a whole: its tables and all. */
    @Test
    void aDataFileInAnotherFormat() throws Exception {
        Img.run("create", "-f", "qed", path("data.qed"), "1M").expectExit(0);
        create("image_file=data.qed,image_fmt=qed,backing_file=base.raw,backing_fmt=raw")
                .expectExit(0);
        byte[] expected = base.clone();
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, 70_000, 100_000, 'q');
            Arrays.fill(expected, 70_000, 170_000, (byte) 'q');
            device.flush();
            assertThat(Guest.bytes(device)).isEqualTo(expected);
            assertThat(device.node().child("data-file").driver().formatName()).isEqualTo("qed");
        }
        try (BlockDevice device = open(READ_WRITE.withWritable(false))) {
            assertThat(Guest.bytes(device)).isEqualTo(expected);
        }
        assertThat(Img.run("info", image).expectExit(0).out()).contains("data file format: qed");
    }

    /** E19: whoever writes to the data file by itself, or through another add-cow file, is kept out while it is in use. */
    @Test
    void aDataFileInUseIsRefused() throws Exception {
        createOverlay();
        Files.copy(image, path("second.add-cow"));
        try (BlockDevice device = open(READ_WRITE)) {
            for (Path other : List.of(path("second.add-cow"), path("data.raw"))) {
                BlockException e = catchThrowableOfType(
                        BlockException.class, () -> BlockDevice.open(other.toString(), READ_WRITE));
                assertThat(e.errno()).isEqualTo(Errno.EAGAIN);
            }
            assertThat(device.length()).isEqualTo(SIZE);
        }
    }

    /** Rebasing without copying: only the reference changes. */
    @Test
    void anotherBackingFile() throws Exception {
        createOverlay();
        Files.write(path("other.raw"), Pattern.bytes(5, 0, SIZE));
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, 0, 65536, 'k');
            device.changeBackingFile("other.raw", "raw");
        }
        try (BlockDevice device = open(READ_WRITE.withWritable(false))) {
            Guest.expect(device, 0, 65536, 'k');
            assertThat(Guest.read(device, 65536, 512)).isEqualTo(Pattern.bytes(5, 65536, 512));
        }
    }

    @Test
    void anImageIsReopenedWithItsDataFile() throws Exception {
        createOverlay();
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, 0, 512, 'a');
            device.node().reopen(false);
            assertThat(device.node().child("data-file").readOnly()).isTrue();
            BlockException e = catchThrowableOfType(BlockException.class, () -> Guest.write(device, 512, 512, 'b'));
            assertThat(e.errno()).isEqualTo(Errno.EPERM);
            Guest.expect(device, 0, 512, 'a');
            device.node().reopen(true);
            assertThat(device.node().child("data-file").readOnly()).isFalse();
            Guest.write(device, 512, 512, 'b');
        }
        try (BlockDevice device = open(READ_WRITE.withWritable(false))) {
            Guest.expect(device, 0, 512, 'a');
            Guest.expect(device, 512, 512, 'b');
            assertThat(Guest.read(device, 1024, 512)).isEqualTo(Arrays.copyOfRange(base, 1024, 1536));
        }
    }

    /** Each step of the driver can be made to fail by its name, in either file. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "file bitmap_load",
                "file bitmap_update",
                "data-file write_aio",
                "data-file cow_write",
                "data-file read_aio"
            })
    void everyStepCanBeMadeToFail(String where) throws Exception {
        // By absolute names: the name of a file that a filter gives is none that others could be relative to.
        create("image_file=" + path("data.raw") + ",backing_file=" + path("base.raw") + ",backing_fmt=raw")
                .expectExit(0);
        try (BlockDevice device = open(READ_WRITE)) {
            Guest.write(device, 512 << 10, 512, 'o');
        }
        String[] words = where.split(" ");
        String path = words[0].equals("file") ? "file." : "data-file.file.";
        String name =
                words[0].equals("file") ? image.toString() : path("data.raw").toString();
        Map<String, String> faults = Map.of(
                path + "driver", "blkdebug",
                path + "image.driver", "file",
                path + "image.filename", name,
                path + "inject-error.0.event", words[1],
                path + "inject-error.0.errno", "28",
                path + "inject-error.0.once", "on");
        OpenOptions options = READ_WRITE.withFormat("add-cow").withNodeOptions(NodeOptions.of(faults));
        Errno[] seen = new Errno[1];
        try (BlockDevice device =
                words[0].equals("file") ? BlockDevice.open(options) : BlockDevice.open(image.toString(), options)) {
            try {
                device.read(512 << 10, ByteBuffer.allocate(512));
                device.write(100, ByteBuffer.wrap(new byte[] {1, 2, 3}));
                device.flush();
            } catch (BlockException e) {
                seen[0] = e.errno();
            }
            // Once only: all of it works now.
            device.write(100, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            device.flush();
            assertThat(Guest.read(device, 0, 100)).isEqualTo(Arrays.copyOf(base, 100));
        }
        // Bits are good as they are, and written a second time at once.
        assertThat(seen[0]).isEqualTo(words[1].equals("bitmap_update") ? null : Errno.ENOSPC);
    }
}
