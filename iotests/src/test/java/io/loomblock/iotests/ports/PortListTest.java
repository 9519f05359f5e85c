// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The list of ports in {@code docs/iotests.md} names the tests that there are, under their numbers. */
class PortListTest {
    private static final Pattern ROW = Pattern.compile("^\\| (\\d{3}) \\|.*");
    private static final Pattern NAME = Pattern.compile("`(\\w+Test)#(iotest(\\d{3})\\w+)`");

    @Test
    void everyPortIsListedAndEveryListedPortExists() throws Exception {
        assertThat(listed()).isEqualTo(existing());
    }

    private static Set<String> existing() throws Exception {
        Path sources = root().resolve("iotests/src/test/java/io/loomblock/iotests/ports");
        Set<String> names = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(sources, "*Test.java")) {
            for (Path file : files) {
                String type = file.getFileName().toString().replace(".java", "");
                Class<?> ports = Class.forName(PortListTest.class.getPackageName() + "." + type);
                for (Method method : ports.getDeclaredMethods()) {
                    if (method.getName().matches("iotest\\d{3}\\w+")) {
                        names.add(type + "#" + method.getName());
                    }
                }
            }
        }
        return names;
    }

    private static Set<String> listed() throws Exception {
        Set<String> names = new TreeSet<>();
        for (String line : Files.readAllLines(root().resolve("docs/iotests.md"))) {
            Matcher row = ROW.matcher(line);
            Matcher name = NAME.matcher(line);
            while (name.find()) {
                assertThat(row.matches()).as(line).isTrue();
                assertThat(name.group(3)).as(line).isEqualTo(row.group(1));
                names.add(name.group(1) + "#" + name.group(2));
            }
        }
        return names;
    }

    private static Path root() {
        return Path.of(System.getProperty("loomblock.root"));
    }
}
