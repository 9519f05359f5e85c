// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.ImplicitOpenPolicy.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What names inside images may open. */
class ImplicitOpenPolicyTest {
    @TempDir
    Path directory;

    private Path image;
    private Path outside;

    @BeforeEach
    void makeFiles() throws IOException {
        Path images = Files.createDirectories(directory.resolve("images/base"));
        image = Files.createFile(directory.resolve("images/disk"));
        Files.createFile(images.resolve("base"));
        outside = Files.createFile(directory.resolve("secret"));
        Files.createSymbolicLink(directory.resolve("images/link"), outside);
    }

    private static void allowed(ImplicitOpenPolicy policy, Request request) {
        assertThatCode(() -> policy.check(request)).doesNotThrowAnyException();
    }

    private static void refused(ImplicitOpenPolicy policy, Request request) {
        assertThatThrownBy(() -> policy.check(request))
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EACCES));
    }

    private Request inDirectory(String name) {
        return request(image.toString(), image.resolveSibling(name).toString(), null);
    }

    private static Request request(String imageName, String resolved, @Nullable String format) {
        return Request.of(imageName, "recorded", resolved, format);
    }

    @Test
    void theLibraryOpensRegularFilesBelowTheImagesDirectory() {
        ImplicitOpenPolicy policy = ImplicitOpenPolicy.imageDirectory();
        allowed(policy, inDirectory("base/base"));
        allowed(policy, request("file:" + image, "file:" + image.resolveSibling("base/base"), "raw"));
        refused(policy, inDirectory("../secret"));
        refused(policy, inDirectory("link"));
        refused(policy, inDirectory("base"));
        refused(policy, request(image.toString(), "/dev/null", null));
    }

    @Test
    void whatDoesNotExistIsLeftToTheOpen() {
        allowed(ImplicitOpenPolicy.imageDirectory(), inDirectory("../nothing"));
    }

    @Test
    void anImageThatIsNoLocalFileHasNoDirectory() {
        ImplicitOpenPolicy policy = ImplicitOpenPolicy.imageDirectory();
        refused(policy, request("nbd://host/disk", outside.toString(), null));
        refused(policy, request("memory", outside.toString(), null));
        refused(policy, request("a\0b", outside.toString(), null));
    }

    @Test
    void theToolsOpenLocalFilesOnly() {
        ImplicitOpenPolicy policy = ImplicitOpenPolicy.anyLocalFile();
        allowed(policy, inDirectory("../secret"));
        allowed(policy, request(image.toString(), "/dev/null", "host_device"));
        refused(policy, request(image.toString(), "nbd://host/disk", null));
        refused(policy, request(image.toString(), "host_device:/dev/null", null));
        refused(policy, request(image.toString(), "a\0b", null));
    }

    @Test
    void aProtocolInPlaceOfAFormatIsNoLocalFile() {
        refused(ImplicitOpenPolicy.anyLocalFile(), request(image.toString(), outside.toString(), "null-co"));
        refused(ImplicitOpenPolicy.imageDirectory(), request(image.toString(), image.toString(), "null-co"));
    }

    @Test
    void nothingMeansNothing() {
        refused(ImplicitOpenPolicy.nothing(), inDirectory("base/base"));
    }
}
