// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every test that docs/acceptance-*.md name exists, and every row of the specification's lists is there with one at least. */
class AcceptanceTest {
    private static final Pattern NAME = Pattern.compile("`(\\w+)#(\\w+)`");
    private static final Pattern ROW = Pattern.compile("^\\| ([BEFR]?\\d+) \\|");
    private static final int BLOCK_LAYER_ROWS = 66;
    private static final int QED_ROWS = 37;
    private static final int QED_ERRATA = 31;
    private static final int ADDCOW_ROWS = 40;
    private static final int ADDCOW_REQUIREMENTS = 11;
    private static final int ADDCOW_ERRATA = 23;
    private static final int FVD_ROWS = 53;
    private static final int FVD_ERRATA = 27;

    private final Path root = Path.of(System.getProperty("loomblock.root"));

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        Map<String, List<String>> sources = testSources();
        TreeSet<String> missing = new TreeSet<>();
        int named = 0;
        try (DirectoryStream<Path> documents = Files.newDirectoryStream(root.resolve("docs"), "acceptance-*.md")) {
            for (Path document : documents) {
                Matcher name = NAME.matcher(Files.readString(document));
                while (name.find()) {
                    named++;
                    if (!exists(sources.getOrDefault(name.group(1), List.of()), name.group(2))) {
                        missing.add(document.getFileName() + ": " + name.group());
                    }
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(named).isPositive();
    }

    @Test
    void everyRowOfTheBlockLayerHasATest() throws IOException {
        TreeSet<String> rows = new TreeSet<>();
        for (int i = 1; i <= BLOCK_LAYER_ROWS; i++) {
            rows.add("B" + i);
        }
        assertThat(rowsWithTests("acceptance-block-layer.md")).isEqualTo(rows);
    }

    @Test
    void everyRowAndErratumOfQedHasATest() throws IOException {
        assertThat(rowsWithTests("acceptance-qed.md")).isEqualTo(ids(QED_ROWS, 0, QED_ERRATA));
    }

    @Test
    void everyRowRequirementAndErratumOfAddCowHasATest() throws IOException {
        assertThat(rowsWithTests("acceptance-addcow.md"))
                .isEqualTo(ids(ADDCOW_ROWS, ADDCOW_REQUIREMENTS, ADDCOW_ERRATA));
    }

    @Test
    void everyRowAndErratumOfFvdHasATest() throws IOException {
        TreeSet<String> rows = ids(0, 0, FVD_ERRATA);
        IntStream.rangeClosed(1, FVD_ROWS).forEach(i -> rows.add("F%02d".formatted(i)));
        assertThat(rowsWithTests("acceptance-fvd.md")).isEqualTo(rows);
    }

    /** The rows of a document, each of which must name a test. */
    private TreeSet<String> rowsWithTests(String document) throws IOException {
        TreeSet<String> found = new TreeSet<>();
        for (String line : Files.readAllLines(root.resolve("docs").resolve(document))) {
            Matcher row = ROW.matcher(line);
            if (row.find()) {
                assertThat(NAME.matcher(line).find()).as(line).isTrue();
                assertThat(found.add(row.group(1)))
                        .as("only one row " + row.group(1))
                        .isTrue();
            }
        }
        return found;
    }

    private static TreeSet<String> ids(int rows, int requirements, int errata) {
        TreeSet<String> ids = new TreeSet<>();
        IntStream.rangeClosed(1, rows).forEach(i -> ids.add(Integer.toString(i)));
        IntStream.rangeClosed(1, requirements).forEach(i -> ids.add("R" + i));
        IntStream.rangeClosed(1, errata).forEach(i -> ids.add("E" + i));
        return ids;
    }

    /** A test method of this name, by the shapes that those of JUnit have, and of the ports. */
    private static boolean exists(List<String> sources, String method) {
        Pattern test = Pattern.compile("@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|ForEvery\\w+)\\b[^;]*?"
                + "(?:void|Stream<DynamicTest>) " + method + "\\(");
        return sources.stream().anyMatch(source -> test.matcher(source).find());
    }

    /** The sources of all test classes by simple name; modules may have one of the same name each. */
    private Map<String, List<String>> testSources() throws IOException {
        Map<String, List<String>> sources = new HashMap<>();
        try (DirectoryStream<Path> modules = Files.newDirectoryStream(root)) {
            for (Path module : modules) {
                Path tests = module.resolve("src/test/java");
                if (Files.isDirectory(tests)) {
                    collect(tests, sources);
                }
            }
        }
        return sources;
    }

    private static void collect(Path tests, Map<String, List<String>> sources) throws IOException {
        try (Stream<Path> files = Files.walk(tests)) {
            for (Path file :
                    files.filter(f -> f.toString().endsWith("Test.java")).toList()) {
                String name = file.getFileName().toString().replace(".java", "");
                sources.computeIfAbsent(name, n -> new ArrayList<>()).add(Files.readString(file));
            }
        }
    }
}
