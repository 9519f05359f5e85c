// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.fvd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.FvdImages;
import io.loomblock.iotests.support.FvdImages.Shape;
import io.loomblock.iotests.support.Guest;
import io.loomblock.iotests.support.Img;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.FaultDriver.Fault;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog.Kind;
import io.loomblock.testkit.TestFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** New images that could not be finished, and what they may ask of their storage. */
class CreationTest {
    private static final int SIZE = 256 << 10;
    private static final byte[] BASE = Arrays.copyOf(Pattern.bytes(4, 0, 8192), 64 << 10);

    /** Storage of which nobody knows what it holds. */
    private static final class UsedStorage extends ForwardingDriver {
        UsedStorage(MemoryDriver below) {
            super(below);
        }

        @Override
        public boolean hasZeroInit() {
            return false;
        }
    }

    /** F37: an image that relies on zeros is not written to where there may be none, unless somebody insists. */
    @Test
    void storageThatIsNotKnownToBeZeroIsRefusedWhereZerosAreNeeded() throws Exception {
        Shape shape = new Shape(1, SIZE, 0, 4096, 4096, false);
        FvdImages images = new FvdImages(shape, BASE, shape.options().with("detect_sparse_hole", 4096));
        assertThat(images.read().needsZeroInit()).isTrue();
        try (BlockDevice device = images.open(FvdImages.readWrite())) {
            assertThat(Guest.bytes(device)).isEqualTo(Arrays.copyOf(BASE, SIZE));
        }
        images.with(new UsedStorage(images.image()), images.data());
        BlockException refused = catchThrowableOfType(BlockException.class, () -> images.open(FvdImages.readWrite()));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(refused.reason()).contains("not known to be zero");
        try (BlockDevice device = images.open(FvdImages.readOnly())) {
            assertThat(device.length()).isEqualTo(SIZE);
        }
        images.open(FvdImages.readWrite().withNodeOptions(NodeOptions.of(Map.of("force", "on"))))
                .close();
    }

    /** F38: whatever fails while a file is made, none is left that could be taken for an image. */
    @Test
    void aFileThatCouldNotBeFinishedIsGone() throws Exception {
        Predicate<Request> changes = request -> request.kind().changes();
        for (Predicate<Request> which : List.of(changes, Request.of(Kind.FLUSH))) {
            int number = 0;
            while (failAt(Fault.always(which).at(number))) {
                number++;
            }
            assertThat(number).isGreaterThan(1);
        }
    }

    /** Whether there was such a request. */
    private static boolean failAt(Fault fault) throws Exception {
        TestFiles files = new TestFiles();
        files.put(FvdImages.BASE, BASE);
        FaultDriver faulty = new FaultDriver(new MemoryDriver());
        faulty.arm(fault);
        CreateOptions options = new Shape(2, SIZE, 8192, 4096, 4096, false).options();
        BlockException failed =
                catchThrowableOfType(BlockException.class, () -> files.create("fvd", FvdImages.IMAGE, faulty, options));
        if (failed == null) {
            return false;
        }
        BlockException gone = catchThrowableOfType(
                BlockException.class, () -> files.open(FvdImages.IMAGE, "fvd", FvdImages.readOnly()));
        assertThat(gone.errno()).isEqualTo(Errno.ENOENT);
        return true;
    }

    /** Whatever names are given: the file would be lost, or the base image written to. */
    @Test
    void anImageIsNotMadeOverAFileThatItNeeds(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("file.raw");
        Img.run("create", "-f", "raw", file, "1M").expectExit(0);
        Files.createLink(directory.resolve("link.raw"), file);
        String other = directory + "/./file.raw";
        expectRefused(other, "compact_image=off,data_file=file.raw", "The data file is the image itself");
        expectRefused(other, "backing_file=link.raw,backing_fmt=raw", "The base image is the image itself");
        String third = directory.resolve("image.fvd").toString();
        expectRefused(
                third,
                "compact_image=off,data_file=file.raw,backing_file=link.raw,backing_fmt=raw",
                "The data file is the base image");
        assertThat(file).hasSize(1 << 20);
        assertThat(directory).isDirectoryNotContaining("glob:**image.fvd");
    }

    /** Made by another program, or over a backing chain that was changed since; to write to it, the locks of the file forbid already. */
    @Test
    void anImageWhoseDataFileIsBelowItsBaseImageIsNotOpened(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("file.raw");
        Img.run("create", "-f", "raw", file, "1M").expectExit(0);
        Path base = directory.resolve("base.qed");
        Img.run("create", "-f", "qed", "-b", "file.raw", "-F", "raw", base).expectExit(0);
        Path image = directory.resolve("image.fvd");
        String options = "compact_image=off,data_file=file.raw,backing_file=base.qed,backing_fmt=qed";
        Img.run("create", "-f", "fvd", "-o", options, image, "1M").expectExit(0);
        BlockException refused = catchThrowableOfType(
                BlockException.class, () -> BlockDevice.open(image.toString(), OpenOptions.readOnly()));
        assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
        assertThat(refused).hasMessageContaining("The data file is used twice in this image");
    }

    private static void expectRefused(String name, String options, String reason) {
        Img.Result refused =
                Img.run("create", "-f", "fvd", "-o", options, name, "1M").expectExit(1);
        assertThat(refused.err()).contains(reason);
    }

    @Test
    void theToolNamesTheOptionThatIsWrongAndThoseThatApply(@TempDir Path directory) {
        Path image = directory.resolve("image.fvd");
        Img.Result refused =
                Img.run("create", "-f", "fvd", "-o", "version=3", image, "1M").expectExit(1);
        assertThat(refused.err()).contains("Parameter 'version' does not accept value '3'");
        Img.Result made = Img.run("create", "-f", "fvd", "-o", "compact_image=off", image, "1M")
                .expectExit(0);
        assertThat(made.out()).endsWith("fmt=fvd size=1048576 version=2 compact_image=off\n");
    }

    @Test
    void theToolListsAllOptions() {
        String help = Img.run("create", "-f", "fvd", "-o", "help").out();
        for (String option : List.of(
                "size",
                "compact_image",
                "block_size",
                "chunk_size",
                "storage_grow_unit",
                "add_storage_cmd",
                "backing_file",
                "backing_fmt",
                "data_file",
                "data_file_fmt",
                "copy_on_read",
                "prefetch_start_delay",
                "detect_sparse_hole",
                "journal_size",
                "version")) {
            assertThat(help).contains("\n  " + option + "=<");
        }
    }
}
