// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Names of backing files: how they are read, what happens if the file is not there, and how chains of them are shown. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackingNameTest {
    @TempDir
    Path directory;

    private PortImages images;

    private void use(String format) {
        images = new PortImages(directory, format);
    }

    private void createOver(String backing, String name) throws BlockException {
        images.createOver(images, backing, name, CreateOptions.ofSize(MIB));
    }

    private void createChain() throws BlockException {
        images.create("base", MIB);
        createOver("base", "mid");
        createOver("mid", "top");
    }

    /** The names of the images that a listing of a chain shows, in its order. */
    private List<String> listed(ToolRun run) {
        assertThat(run.exit()).as(run.err()).isZero();
        return run.out()
                .lines()
                .filter(line -> line.startsWith("image: "))
                .map(line -> line.substring(line.lastIndexOf('/') + 1))
                .toList();
    }

    private void assertLoop(String name) {
        ToolRun run = ToolRun.img("info", "--backing-chain", images.path(name));
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).contains("creates an infinite loop");
    }

    private void changeBacking(String name, String backing) throws BlockException {
        OpenOptions options =
                OpenOptions.readWrite().withFormat(images.format()).withNoBacking(true);
        try (BlockDevice device = BlockDevice.open(images.path(name), options)) {
            device.changeBackingFile(backing, images.format());
        }
    }

    @Test
    @DisplayName("iotest 043: an image that is its own backing file")
    void iotest043ItsOwnBackingFile() throws Exception {
        use("qed");
        images.create("self", MIB);
        changeBacking("self", "self");
        assertLoop("self");
    }

    @Test
    @DisplayName("iotest 043: loops of two and of three images")
    void iotest043LongerLoops() throws Exception {
        use("qed");
        createChain();
        assertLongLoops();
    }

    /** Only an image that was made with a backing file has one at all. */
    private void createChainOnAFloor() throws BlockException {
        new PortImages(directory, "raw").create("floor", MIB);
        images.create("base", CreateOptions.ofSize(MIB).withBacking("floor", "raw"));
        createOver("base", "mid");
        createOver("mid", "top");
        assertThat(listed(ToolRun.img("info", "--backing-chain", images.path("top"))))
                .containsExactly("top", "mid", "base", "floor");
    }

    private void assertLongLoops() throws BlockException {
        changeBacking("base", "mid");
        assertLoop("mid");
        changeBacking("base", "top");
        assertLoop("top");
    }

    /** None is recorded that the image would not open. */
    @Test
    @DisplayName("iotest 043: loops of two and of three images of add-cow")
    void iotest043LoopsOfAddCow() throws Exception {
        use("add-cow");
        createChainOnAFloor();
        assertThatThrownBy(() -> changeBacking("base", "base")).hasMessageContaining("itself");
        assertLongLoops();
    }

    @Test
    @DisplayName("iotest 043: loops of one, two and three images of FVD")
    void iotest043LoopsOfFvd() throws Exception {
        use("fvd");
        createChainOnAFloor();
        changeBacking("base", "base");
        assertLoop("base");
        assertLongLoops();
    }

    @ForEveryOverlay
    @DisplayName("iotest 043: a chain of three that ends is listed")
    void iotest043AChainThatEnds(String format) throws Exception {
        use(format);
        createChain();
        assertThat(listed(ToolRun.img("info", "--backing-chain", images.path("top"))))
                .containsExactly("top", "mid", "base");
    }

    @ForEveryOverlay
    @DisplayName("iotest 069: a backing file that has been deleted")
    void iotest069DeletedBackingFile(String format) throws Exception {
        use(format);
        images.create("base", MIB);
        createOver("base", "top");
        Files.delete(directory.resolve("base"));
        assertThatThrownBy(() -> images.openReadOnly("top"))
                .isInstanceOf(BlockException.class)
                .hasMessageContaining("Could not open backing file");
        ToolRun run = ToolRun.io(format, images.path("top"), "read 0 512");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.all()).contains("Could not open backing file").contains("No such file or directory");
    }

    @ForEveryOverlay
    @DisplayName("iotest 110: a relative name is one in the directory of the image, whatever the image is called by")
    void iotest110RelativeToTheImage(String format) throws Exception {
        use(format);
        images.create("base", MIB);
        createOver("base", "top");
        for (String prefix : List.of("", "file:")) {
            try (BlockDevice device = BlockDevice.open(
                    prefix + images.path("top"), OpenOptions.readOnly().withFormat(format))) {
                assertThat(device.info().backingFilename()).isEqualTo("base");
                Node backing = device.node().backing();
                assertThat(backing).isNotNull();
                assertThat(backing.filename()).endsWith(images.path("base"));
            }
        }
        assertThat(ToolRun.img("info", images.path("top")).out())
                .contains("backing file: base (actual path: " + images.path("base") + ")");
    }

    @ForEveryOverlay
    @DisplayName("iotest 111: creating an overlay of nothing without saying its size")
    void iotest111MissingBackingFileAndNoSize(String format) throws Exception {
        use(format);
        ToolRun run = ToolRun.img("create", "-f", format, "-F", format, "-b", "nothing", images.path("top"));
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err())
                .contains("Could not open '" + images.path("nothing") + "': No such file or directory")
                .contains("Could not open backing image.");
        assertThat(directory.resolve("top")).doesNotExist();
    }

    @ForEveryOverlay
    @DisplayName("iotest 126: a colon behind a slash is a part of the name")
    void iotest126ColonBehindASlash(String format) throws Exception {
        use(format);
        images.create("image:base", MIB);
        try (BlockDevice base = images.open("image:base")) {
            writeAtOnce(base, 0, 512, 126);
        }
        createOver("./image:base", "image:top");
        for (String prefix : List.of("", "file:")) {
            try (BlockDevice top = BlockDevice.open(prefix + images.path("image:top"), OpenOptions.readOnly())) {
                expectAtOnce(top, 0, 512, 126);
            }
        }
        createOver("file:" + images.path("image:base"), "other");
        try (BlockDevice other = images.openReadOnly("other")) {
            expectAtOnce(other, 0, 512, 126);
        }
    }

    @ForEveryOverlay
    @DisplayName("iotest 126: a colon before any slash ends the name of a protocol")
    void iotest126ColonBeforeAnySlash(String format) throws Exception {
        use(format);
        images.create("image:base", MIB);
        ToolRun run = ToolRun.img("create", "-f", format, "-F", format, "-b", "image:base", images.path("top"));
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).contains("Unknown protocol 'image'");
        assertThat(ToolRun.img("info", "image:top").err()).contains("Unknown protocol 'image'");
    }

    @ForEveryOverlay
    @DisplayName("iotest 279: every image of a chain is shown, with and without its format said")
    void iotest279AChainOfThree(String format) throws Exception {
        use(format);
        createChain();
        String top = images.path("top");
        List<String> names = List.of("top", "mid", "base");
        assertThat(listed(ToolRun.img("info", "--backing-chain", top))).isEqualTo(names);
        assertThat(listed(ToolRun.img("info", "--backing-chain", "-f", format, top)))
                .isEqualTo(names);
        List<String> open = new ArrayList<>();
        try (BlockDevice device = images.openReadOnly("top")) {
            for (Node node = device.node(); node != null; node = node.backing()) {
                open.add(Path.of(node.filename()).getFileName().toString());
            }
        }
        assertThat(open).isEqualTo(names);
    }
}
