// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names that are descriptions in JSON become flat options, or are refused for a reason. */
class JsonNamesTest {
    private static Map<String, String> flat(String json) throws BlockException {
        return JsonNames.parse("json:" + json).asMap();
    }

    private static void refuses(String json, String reason) {
        assertThatThrownBy(() -> flat(json)).isInstanceOfSatisfying(BlockException.class, e -> {
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            assertThat(e.reason()).isEqualTo(reason);
        });
    }

    @Test
    void objectsAndArraysGetDottedNames() throws BlockException {
        assertThat(flat("{\"a\":{\"b\":\"x\",\"c.d\":\"y\"},\"e\":[\"z\",{\"f\":\"w\"}],\"g\":{},\"h\":[]}"))
                .isEqualTo(Map.of("a.b", "x", "a.c.d", "y", "e.0", "z", "e.1.f", "w"));
    }

    @Test
    void valuesBecomeTheirTextInOptions() throws BlockException {
        assertThat(flat("{'a':true,'b':false,'c':null,'d':4096,'e':-1,'f':'on','g':1.50,'h':'\\u00e4'}"))
                .isEqualTo(Map.of(
                        "a", "on", "b", "off", "c", "", "d", "4096", "e", "-1", "f", "on", "g", "1.50", "h", "\u00e4"));
    }

    @Test
    void ofOneNameWrittenTwiceTheNestedOneCounts() throws BlockException {
        Map<String, String> nested = Map.of("file.filename", "b");
        assertThat(flat("{'file.filename':'a','file':{'filename':'b'}}")).isEqualTo(nested);
        assertThat(flat("{'file':{'filename':'b'},'file.filename':'a'}")).isEqualTo(nested);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``|Could not parse the JSON options: Expecting a JSON value",
                "` `|Could not parse the JSON options: Expecting a JSON value",
                "[]|Invalid JSON object given",
                "1|Invalid JSON object given",
                "null|Invalid JSON object given",
                "{} {}|Could not parse the JSON options: Expecting at most one JSON value",
                "{'a':1|Could not parse the JSON options: JSON parse error, premature EOI",
                "{'a':'|Could not parse the JSON options: JSON parse error, premature EOI",
                "{'a':1,'a':2}|Could not parse the JSON options: JSON parse error, duplicate key",
                "{'a':word}|Could not parse the JSON options: JSON parse error, invalid keyword 'word'",
                "{bad|Could not parse the JSON options: JSON parse error, invalid keyword 'bad'",
                "{'a':1,bad:2}|Could not parse the JSON options: JSON parse error, invalid keyword 'bad'",
                "{1:2}|Could not parse the JSON options: JSON parse error, key is not a string in object",
                "{'a':1,}|Could not parse the JSON options: JSON parse error, expecting value",
                "{'a':}|Could not parse the JSON options: JSON parse error, expecting value",
                "{'a' 1}|Could not parse the JSON options: JSON parse error, missing : in object pair",
                "{'a':1 'b':2}|Could not parse the JSON options: JSON parse error, expected separator in dict",
                "{'a':[1 2]}|Could not parse the JSON options: JSON parse error, expected separator in list",
                "{'a':@}|Could not parse the JSON options: JSON parse error, stray '@'"
            })
    void whatIsNoObjectIsRefusedInQemusWords(String json, String reason) {
        refuses(json, reason);
    }

    @Test
    void depthAndSizeAreBounded() {
        int depth = JsonNames.MAX_DEPTH + 1;
        refuses(
                "{'file':".repeat(depth) + "1" + "}".repeat(depth),
                "Could not parse the JSON options: JSON nesting depth limit exceeded");
        refuses("[".repeat(100_000), "Invalid JSON object given");
        String tooLarge = "Could not parse the JSON options: JSON token size limit exceeded";
        refuses("{'a':'" + "x".repeat(JsonNames.MAX_CHARS) + "'}", tooLarge);
        // Short in JSON, long when every name is written out.
        String name = "n".repeat(50_000);
        refuses("{'" + name + "':[" + "0,".repeat(1000) + "0]}", tooLarge);
        refuses("{'" + name + "':[" + "{},".repeat(1000) + "{}]}", tooLarge);
    }

    @Test
    void randomOptionsSurviveTheWayThroughJson() throws BlockException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 500; i++) {
            Map<String, String> options = new TreeMap<>();
            String json = object(random, "", 3, options);
            assertThat(flat(json)).as("seed %d: %s", seed, json).isEqualTo(options);
        }
    }

    @Test
    void randomTextIsReadOrRefusedAndNothingElse() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String pieces = "{}[]:,'\"\\truefalsnl0123456789.-+eE \u0000\u00e4\ud800\n";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder("{");
            for (int n = random.nextInt(20); n > 0; n--) {
                text.append(pieces.charAt(random.nextInt(pieces.length())));
            }
            try {
                flat(text.toString());
            } catch (BlockException e) {
                assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + text, e);
            }
        }
    }

    /** Makes an object, and enters what it means. */
    private static String object(Random random, String prefix, int depth, Map<String, String> options) {
        StringBuilder json = new StringBuilder("{");
        int members = random.nextInt(4);
        for (int i = 0; i < members; i++) {
            String name = "m" + i;
            json.append(i == 0 ? "" : ",").append('"').append(name).append("\":");
            json.append(value(random, prefix + name, depth, options));
        }
        return json.append('}').toString();
    }

    private static String value(Random random, String name, int depth, Map<String, String> options) {
        switch (random.nextInt(depth > 0 ? 5 : 3)) {
            case 0 -> {
                long number = random.nextLong();
                options.put(name, Long.toString(number));
                return Long.toString(number);
            }
            case 1 -> {
                boolean flag = random.nextBoolean();
                options.put(name, flag ? "on" : "off");
                return Boolean.toString(flag);
            }
            case 2 -> {
                options.put(name, "a\"b," + name);
                return "\"a\\\"b," + name + "\"";
            }
            case 3 -> {
                StringBuilder list = new StringBuilder("[");
                int elements = random.nextInt(3);
                for (int i = 0; i < elements; i++) {
                    list.append(i == 0 ? "" : ",").append(object(random, name + "." + i + ".", depth - 1, options));
                }
                return list.append(']').toString();
            }
            default -> {
                return object(random, name + ".", depth - 1, options);
            }
        }
    }
}
