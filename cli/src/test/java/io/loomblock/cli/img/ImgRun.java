// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs the img tool in this process, and makes what it and qemu-img print comparable. */
final class ImgRun {
    private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What a run gave. */
    record Result(int exit, String out, String err) {}

    private ImgRun() {}

    /** Runs the tool under qemu-img's name. */
    static Result ours(String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                "qemu-img",
                false,
                InputStream.nullInputStream(),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        String[] args = new String[words.length + 1];
        args[0] = "img";
        System.arraycopy(words, 0, args, 1, words.length);
        int exit = Main.run(args, console);
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Splits a line at spaces, except between single quotes; {@code @} stands for the directory with the images. */
    static String[] words(String line, Path directory) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(line);
        while (matcher.find()) {
            String word = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
            words.add(word.replace("@", directory + "/"));
        }
        return words.toArray(String[]::new);
    }

    /** A run as text, without what may differ. */
    static String describe(String line, Result result, Path directory) {
        return "$ " + line + "\n" + comparable(result.out(), directory) + comparable(result.err(), directory) + "exit "
                + result.exit() + "\n";
    }

    private static String comparable(String text, Path directory) {
        String here = text.replace(directory + "/", "@");
        if (here.startsWith("{\n") || here.startsWith("[\n")) {
            return withoutNewerMembers(here);
        }
        String cut = withoutNewerParts(here)
                .replaceAll("disk size: .*\n", "")
                .replaceAll("completed in [0-9.]+ seconds", "completed in T seconds");
        return cut.isEmpty() || cut.endsWith("\n") ? cut : cut + "\n";
    }

    /** Without the section on the file below an image, which 7.2 does not have. */
    static String withoutNewerParts(String text) {
        return text.replaceAll("(?m)^Child node .*\n(?:    .*\n)+", "");
    }

    /** The runs of a map in JSON that are alike but for where they lie, one a line: where they end and how they are. */
    static List<String> runs(String map) {
        List<String> runs = new ArrayList<>();
        String before = "";
        for (JsonNode extent : read(map)) {
            long end = extent.get("start").longValue() + extent.get("length").longValue();
            String how = " depth " + extent.get("depth") + " present " + extent.get("present") + " zero "
                    + extent.get("zero") + " data " + extent.get("data");
            if (how.equals(before)) {
                runs.remove(runs.size() - 1);
            }
            runs.add(end + how);
            before = how;
        }
        return runs;
    }

    private static JsonNode read(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + text, e);
        }
    }

    private static String withoutNewerMembers(String text) {
        JsonNode tree = read(text);
        (tree.isArray() ? tree : List.of(tree)).forEach(ImgRun::strip);
        return tree.toPrettyString() + "\n";
    }

    private static void strip(JsonNode info) {
        if (info instanceof ObjectNode object) {
            object.remove(List.of("children", "format-specific", "actual-size"));
        }
    }
}
