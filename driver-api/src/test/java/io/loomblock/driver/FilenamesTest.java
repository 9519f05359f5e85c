// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names are read as QEMU reads them. */
class FilenamesTest {
    @ParameterizedTest
    @CsvSource({
        "image.qed, false",
        "/dir/image.qed, false",
        "./a:b, false",
        "/a:b, false",
        "a:b, true",
        "file:image, true",
        "nbd://host/x, true",
        "null-co://, true",
        ":x, true"
    })
    void aProtocolEndsAtAColonBeforeTheFirstSlash(String name, boolean has) {
        assertThat(Filenames.hasProtocol(name)).isEqualTo(has);
    }

    @Test
    void theEmptyNameHasNoProtocol() {
        assertThat(Filenames.hasProtocol("")).isFalse();
    }

    @Test
    void theProtocolIsWhatStandsBeforeTheColon() {
        assertThat(Filenames.protocol("null-co://")).isEqualTo("null-co");
    }

    @ParameterizedTest
    @CsvSource({
        "top.qed, base, base",
        "dir/top.qed, base, dir/base",
        "dir/top.qed, ../base, dir/../base",
        "/dir/top.qed, sub/base, /dir/sub/base",
        "/top.qed, base, /base",
        "dir/top.qed, /base, /base",
        "dir/top.qed, nbd://host/base, nbd://host/base",
        "dir/top.qed, file:base, file:base",
        "file:dir/top.qed, base, file:dir/base",
        "file:top.qed, base, file:base",
        "dir/top.qed, ./a:b, dir/./a:b"
    })
    void relativeNamesAreInTheDirectoryOfTheImage(String image, String name, String combined) {
        assertThat(Filenames.combine(image, name)).isEqualTo(combined);
    }

    @Test
    void theEmptyNameStaysEmpty() {
        assertThat(Filenames.combine("dir/top", "")).isEmpty();
    }

    @Test
    void onlyOnePrefixIsStripped() {
        assertThat(Filenames.stripFile("file:file:x")).isEqualTo("file:x");
        assertThat(Filenames.stripFile("x")).isEqualTo("x");
    }
}
