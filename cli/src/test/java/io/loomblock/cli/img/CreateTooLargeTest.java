// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code img create} with a size that the file system refuses names the format and, where that may help, the cluster size. */
class CreateTooLargeTest {
    @TempDir
    Path directory;

    @BeforeEach
    void requireALimit() {
        assumeFalse(takes(1L << 62), "the file system takes files of 4 EiB");
    }

    private boolean takes(long length) {
        try (RandomAccessFile file =
                new RandomAccessFile(directory.resolve("probe").toFile(), "rw")) {
            file.setLength(length);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aFormatWithoutClustersIsNamed() {
        assertThat(ImgRun.ours(ImgRun.words("create -q -f raw @x.raw 4E", directory)))
                .isEqualTo(new ImgRun.Result(
                        1,
                        "",
                        "qemu-img: " + directory + "/x.raw: The image size is too large for file format 'raw'\n"));
    }

    @Test
    void aFormatWithClustersMayWantLargerOnes() throws IOException {
        Files.createFile(directory.resolve("data.raw"));
        String options = "image_file=data.raw,image_fmt=raw,cluster_size=65536";
        assertThat(ImgRun.ours(ImgRun.words("create -q -f add-cow -o " + options + " @x.add-cow 4E", directory)))
                .isEqualTo(
                        new ImgRun.Result(
                                1,
                                "",
                                "qemu-img: " + directory
                                        + "/x.add-cow: The image size is too large for file format 'add-cow' (try using a larger cluster size)\n"));
        assertThat(directory.resolve("x.add-cow")).doesNotExist();
    }
}
