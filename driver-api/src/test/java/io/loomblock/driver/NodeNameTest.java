// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What nodes are called: one word where that is enough, else everything that was said, as QEMU prints it. */
class NodeNameTest {
    private static NodeName file(String... namesAndValues) {
        return NodeName.of(new Sketch("file", BlockDriverProvider.Kind.PROTOCOL), options(namesAndValues), Map.of());
    }

    private static NodeName format(NodeName file, String... namesAndValues) {
        return NodeName.of(
                new Sketch("fmt", BlockDriverProvider.Kind.FORMAT), options(namesAndValues), Map.of(Node.FILE, file));
    }

    private static NodeName filter(NodeName file) {
        return NodeName.of(
                new Sketch("filter", BlockDriverProvider.Kind.FILTER), NodeOptions.NONE, Map.of(Node.FILE, file));
    }

    private static NodeOptions options(String... namesAndValues) {
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            options.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return NodeOptions.of(options);
    }

    @Test
    void aFormatGoesByTheNameOfItsFile() {
        NodeName file = file("filename", "dir/x");
        assertThat(file.filename()).isEqualTo("dir/x");
        assertThat(format(file).filename()).isEqualTo("dir/x");
    }

    @Test
    void aFormatOnAFormatOrOnAFilterWithoutANameTakesAllWords() {
        NodeName file = file("filename", "x");
        assertThat(format(format(file)).filename())
                .isEqualTo("json:{\"driver\": \"fmt\", \"file\": {\"driver\": \"fmt\", \"file\": "
                        + "{\"driver\": \"file\", \"filename\": \"x\"}}}");
        assertThat(format(filter(file)).exact()).isNull();
    }

    @Test
    void hintsAreNoPartOfAName() {
        assertThat(file("filename", "x", "hint", "on").filename()).isEqualTo("x");
    }

    @Test
    void optionsThatMatterAre() {
        assertThat(file("filename", "x", "number", "4096", "flag", "yes").filename())
                .isEqualTo("json:{\"driver\": \"file\", \"filename\": \"x\", \"number\": 4096, \"flag\": true}");
        assertThat(file("filename", "x", "number", "4k").filename()).contains("\"number\": \"4k\"");
    }

    @Test
    void aPathThatLooksLikeAProtocolIsWrittenAsAPath() throws BlockException {
        NodeName file = file("filename", "a:b");
        assertThat(file.filename()).isEqualTo("./a:b");
        assertThat(file.resolve("c")).isEqualTo("./c");
    }

    @ParameterizedTest
    @CsvSource({"base, dir/base", "sub/base, dir/sub/base", "/base, /base", "p:base, p:base", "'', ''"})
    void relativeNamesAreInTheDirectoryOfTheFileAtTheBottom(String name, String full) throws BlockException {
        assertThat(format(filter(file("filename", "dir/x"))).resolve(name)).isEqualTo(full);
    }

    @Test
    void thereIsNoDirectoryWithoutAFile() {
        assertThatThrownBy(() -> format(file("number", "1")).resolve("base"))
                .isInstanceOf(BlockException.class)
                .hasMessage("Cannot generate a base directory for file nodes");
    }

    @Test
    void aChildThatThereShallNotBeIsNull() {
        NodeName name = NodeName.of(
                new Sketch("fmt", BlockDriverProvider.Kind.FORMAT),
                NodeOptions.NONE,
                Map.of(Node.FILE, file("filename", "x"), Node.BACKING, NodeName.NONE));
        assertThat(name.filename()).contains("\"backing\": null");
    }

    /** A provider that opens nothing. */
    private record Sketch(String formatName, Kind kind) implements BlockDriverProvider {
        @Override
        public List<DriverOption> openOptions() {
            return List.of(
                    DriverOption.file("filename", ""),
                    DriverOption.size("number", ""),
                    DriverOption.bool("flag", ""),
                    DriverOption.bool("hint", "").asHint());
        }

        @Override
        public BlockDriver open(OpenContext context) {
            throw new UnsupportedOperationException();
        }
    }
}
