// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.loomblock.testkit.Tools;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Holes in files and space on disk are seen, kept and made as by qemu-img, where Java can: from 22 on, in the packaged jars. */
@Tag("jars")
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ImgHolesTest {
    @TempDir
    Path directory;

    @BeforeEach
    void makeSparseImage() {
        assumeTrue(
                "newest".equals(System.getProperty("loomblock.jars")),
                "holes are seen by the packaged jars on Java 22");
        Tools.qemuImg(directory, "create", "-q", "-f", "raw", "sparse.raw", "4M")
                .expectExit(0);
        // The first block is data, because qemu-img allocates it in every raw image that it makes.
        Tools.qemuIo(directory, "-f", "raw", "-c", "write 0 64k", "-c", "write -P 2 1M 64k", "sparse.raw")
                .expectExit(0);
        Tools.qemuIo(directory, "-f", "raw", "-c", "write -P 0 2M 1M", "sparse.raw")
                .expectExit(0);
    }

    private ImgRun.Result ours(String line) {
        return ImgRun.ours(ImgRun.words(line, directory));
    }

    private ImgRun.Result theirs(String line) {
        Tools.Result result = Tools.qemuImg(directory, ImgRun.words(line, directory));
        return new ImgRun.Result(result.exit(), result.out(), result.err());
    }

    private void answersAlike(String line) {
        assertThat(ours(line)).isEqualTo(theirs(line));
    }

    @Test
    void holesAreShown() {
        answersAlike("map -f raw @sparse.raw");
        answersAlike("map -f raw --output=json @sparse.raw");
        answersAlike("map -f raw --output=json -s 100k -l 1M @sparse.raw");
    }

    @Test
    void spaceOnDiskIsShown() {
        String info = ours("info @sparse.raw").out();
        assertThat(ImgRun.withoutNewerParts(info))
                .isEqualTo(theirs("info @sparse.raw").out());
        assertThat(info).doesNotContain("unavailable");
    }

    @Test
    void strictComparisonSeesHoles() {
        Tools.qemuImg(directory, "convert", "-f", "raw", "-O", "raw", "-S", "0", "sparse.raw", "full.raw")
                .expectExit(0);
        answersAlike("compare -f raw -F raw @sparse.raw @full.raw");
        answersAlike("compare -s -f raw -F raw @sparse.raw @full.raw");
        answersAlike("compare -s -f raw -F raw @sparse.raw @sparse.raw");
    }

    @Test
    void copiesHaveTheSameHoles() {
        for (String options : new String[] {"", " -S 64k", " -S 0", " -n"}) {
            Tools.qemuImg(directory, "create", "-q", "-f", "raw", "a.raw", "4M").expectExit(0);
            Tools.qemuImg(directory, "create", "-q", "-f", "raw", "b.raw", "4M").expectExit(0);
            assertThat(ours("convert" + options + " -f raw @sparse.raw @a.raw"))
                    .isEqualTo(new ImgRun.Result(0, "", ""));
            theirs("convert" + options + " -f raw @sparse.raw @b.raw");
            assertThat(theirs("map -f raw --output=json @a.raw").out())
                    .as(options)
                    .isEqualTo(theirs("map -f raw --output=json @b.raw").out());
        }
    }
}
