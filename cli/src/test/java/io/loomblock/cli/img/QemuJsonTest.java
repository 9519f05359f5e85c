// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** JSON is laid out and ordered as QEMU prints it. */
class QemuJsonTest {
    private static String print(Object value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        QemuJson.print(value, new PrintStream(bytes, true, StandardCharsets.UTF_8));
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void emptyArraysAndObjectsTakeTwoLines() {
        assertThat(print(Map.of("children", List.of(), "data", Map.of())))
                .isEqualTo("{\n    \"children\": [\n    ],\n    \"data\": {\n    }\n}\n");
    }

    @Test
    void membersComeInTheOrderOfTheHashChains() {
        assertThat(print(Map.of(
                        "dirty-flag", false, "format", "qed", "filename", "x", "actual-size", 1L, "virtual-size", 2L)))
                .isEqualTo("""
                        {
                            "virtual-size": 2,
                            "filename": "x",
                            "format": "qed",
                            "actual-size": 1,
                            "dirty-flag": false
                        }
                        """);
    }

    @Test
    void textIsEscapedToAscii() {
        assertThat(print(List.of("a\"\\\n\u00e9"))).isEqualTo("[\n    \"a\\\"\\\\\\n\\u00E9\"\n]\n");
    }
}
