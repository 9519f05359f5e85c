// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.house;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Drivers;
import io.loomblock.open.GenericOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/options.md} and the comments of the providers list the options that the drivers really take. */
class OptionTableTest {
    private static final String INTRODUCTION = """
            # Options

            What may be said of a node under `--image-opts`, in a `json:` name, or with `open -o` of the io tool, and of a new image with
            `-o`; and what may be amended later. Options of a child stand behind its role and a dot: `file.filename`, `backing.driver`. This page is what the drivers say;
            a test (`OptionTableTest`) fails with the right text when it is out of date.
            """;

    /** What the texts that tools print as QEMU's do leave open. */
    private static final Map<String, String> NOTES = Map.of("file", """

            `nocow` and `extent_size_hint` are accepted, without effect. `preallocation` takes space for a raw image alone: the files of other
            formats are made empty and grow as they are written to, so that with them it is accepted, and allocates nothing.
            """);

    /** More choices than these are not listed. */
    private static final int MANY = 8;

    private final Path root = Path.of(System.getProperty("loomblock.root"));

    @Test
    void theTableIsWhatTheDriversSay() throws IOException {
        assertThat(Files.readString(root.resolve("docs/options.md"))).isEqualTo(table());
    }

    @Test
    void theCommentOfEachProviderNamesItsOptions() throws IOException {
        TreeSet<String> missing = new TreeSet<>();
        for (BlockDriverProvider provider : Drivers.all()) {
            String comment = comment(provider.getClass()).replaceAll("\\s*\\n \\*\\s*", " ");
            List<DriverOption> all = new ArrayList<>(provider.openOptions());
            all.addAll(provider.createOptions());
            all.addAll(provider.amendOptions());
            for (DriverOption option : all) {
                if (!comment.contains("{@code " + option.name() + "}")) {
                    missing.add(provider.getClass().getSimpleName() + " does not name " + option.name());
                }
            }
        }
        assertThat(missing).isEmpty();
    }

    /** The Javadoc of a class, from its source. */
    private String comment(Class<?> type) throws IOException {
        String path = "src/main/java/" + type.getName().replace('.', '/') + ".java";
        try (Stream<Path> modules = Files.list(root)) {
            Path source = modules.map(module -> module.resolve(path))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseThrow();
            String text = Files.readString(source);
            int end = text.indexOf("*/\npublic ");
            return text.substring(text.lastIndexOf("/**", end), end);
        }
    }

    private static String table() {
        StringBuilder text = new StringBuilder(INTRODUCTION);
        section(text, "## Every node", GenericOptions.all());
        for (BlockDriverProvider provider : Drivers.all()) {
            text.append("\n## ").append(provider.formatName()).append(" (").append(kind(provider));
            if (!provider.childRoles().isEmpty()) {
                text.append("; below it: ").append(String.join(", ", provider.childRoles()));
            }
            text.append(")\n");
            section(text, "Opening:", provider.openOptions());
            section(text, "Creating:", provider.createOptions());
            section(text, "Amending:", provider.amendOptions());
            text.append(NOTES.getOrDefault(provider.formatName(), ""));
            if (provider.openOptions().isEmpty() && provider.createOptions().isEmpty()) {
                text.append("\nNo options of its own.\n");
            }
        }
        return text.toString();
    }

    private static String kind(BlockDriverProvider provider) {
        return switch (provider.kind()) {
            case FORMAT -> "format";
            case PROTOCOL -> "protocol";
            case FILTER -> "filter";
        };
    }

    private static void section(StringBuilder text, String title, List<DriverOption> options) {
        if (!options.isEmpty()) {
            text.append('\n').append(title).append("\n\n| option | value | default | |\n|---|---|---|---|\n");
            options.forEach(option -> text.append("| `")
                    .append(option.name())
                    .append("` | ")
                    .append(value(option))
                    .append(" | ")
                    .append(option.defaultValue() == null ? "" : option.defaultValue())
                    .append(" | ")
                    .append(option.help())
                    .append(" |\n"));
        }
    }

    private static String value(DriverOption option) {
        return switch (option.type()) {
            case STRING -> "text";
            case FILE -> "file";
            case SIZE -> "size";
            case NUMBER -> "number";
            case BOOL -> "on, off";
            case CHOICE -> option.choices().size() > MANY ? "one of many words" : String.join(", ", option.choices());
        };
    }
}
