// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A chain that contains itself is refused whatever names its files go by, and however it is opened. */
class BackingLoopTest {
    @TempDir
    Path directory;

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private void create(String name) throws Exception {
        BlockDevice.create("qed", path(name), CreateOptions.ofSize(65536), OpenOptions.readWrite());
    }

    /** Makes an image name another one that need not be there. */
    private void setBacking(String name, String backing) throws Exception {
        OpenOptions options = OpenOptions.readWrite().withFormat("qed").withNoBacking(true);
        try (BlockDevice device = BlockDevice.open(path(name), options)) {
            device.changeBackingFile(backing, null);
        }
    }

    private void assertLoop(String name) {
        for (boolean writable : new boolean[] {false, true}) {
            OpenOptions options = OpenOptions.readOnly().withWritable(writable);
            assertThatThrownBy(() -> BlockDevice.open(path(name), options).close())
                    .isInstanceOfSatisfying(BlockException.class, e -> {
                        assertThat(e.errno()).isEqualTo(Errno.ELOOP);
                        assertThat(e.reason()).contains("creates an infinite loop");
                    });
        }
    }

    @Test
    void anImageThatNamesItself() throws Exception {
        create("a");
        setBacking("a", "a");
        assertLoop("a");
    }

    @Test
    void anImageThatNamesItselfByASymbolicLink() throws Exception {
        create("a");
        Files.createSymbolicLink(directory.resolve("link"), Path.of("a"));
        setBacking("a", "link");
        assertLoop("a");
        assertLoop("link");
    }

    @Test
    void anImageThatNamesItselfByAHardLink() throws Exception {
        create("a");
        Files.createLink(directory.resolve("hard"), directory.resolve("a"));
        setBacking("a", "hard");
        assertLoop("a");
    }

    @Test
    void aLoopOfThreeWithAPathOfDetours() throws Exception {
        create("a");
        create("b");
        create("c");
        Files.createDirectory(directory.resolve("sub"));
        setBacking("a", "sub/../b");
        setBacking("b", "c");
        setBacking("c", "./a");
        assertLoop("a");
        assertLoop("b");
    }

    @Test
    void whatFailedLeavesNothingOpen() throws Exception {
        create("a");
        setBacking("a", "a");
        assertLoop("a");
        setBacking("a", null);
        BlockDevice.open(path("a"), OpenOptions.readWrite()).close();
    }

    @Test
    void aChainThatMeetsAFileInTwoBranchesOfTheTreeIsNone() throws Exception {
        create("base");
        create("a");
        create("b");
        setBacking("a", "base");
        setBacking("b", "base");
        try (BlockDevice a = BlockDevice.open(path("a"), OpenOptions.readWrite());
                BlockDevice b = BlockDevice.open(path("b"), OpenOptions.readWrite())) {
            assertThat(a.length()).isEqualTo(b.length());
        }
    }
}
