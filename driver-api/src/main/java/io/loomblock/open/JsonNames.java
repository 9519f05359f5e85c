// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.NodeName;
import io.loomblock.driver.NodeOptions;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads names that are descriptions of nodes, {@code json:{"driver":"qed","file":{"filename":"x.qed"}}}, as {@link NodeOptions}.
 *
 * <p>Members of objects and elements of arrays get dotted names; true and false become on and off, null becomes nothing. Names come
 * from images too, so depth and size are bounded.
 */
final class JsonNames {
    /** How deep objects may be nested; each level is a node. */
    static final int MAX_DEPTH = 100;
    /** How long all dotted names and values together may be. */
    static final int MAX_CHARS = 1 << 20;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxDocumentLength(MAX_CHARS)
                    .maxStringLength(MAX_CHARS)
                    .maxNameLength(MAX_CHARS)
                    .build())
            .build();

    private final JsonParser json;
    private final Map<String, String> flat = new HashMap<>();
    /** How deep each stood: of a name that is written both nested and with dots, the nested one counts. */
    private final Map<String, Integer> depths = new HashMap<>();

    private int chars;

    private JsonNames(JsonParser json) {
        this.json = json;
    }

    /** Whether a name is such a description. */
    static boolean isJson(String filename) {
        return filename.startsWith(NodeName.JSON);
    }

    /**
     * Parses a name that {@link #isJson is one}.
     *
     * @throws BlockException EINVAL if the rest is not the text of an object, or an unreasonable one
     */
    static NodeOptions parse(String filename) throws BlockException {
        String text = filename.substring(NodeName.JSON.length());
        if (text.length() > MAX_CHARS) {
            throw tooLarge();
        }
        try (JsonParser json = FACTORY.createParser(text)) {
            return NodeOptions.of(new JsonNames(json).read());
        } catch (BlockException e) {
            throw e;
        } catch (IOException e) {
            throw new BlockException(Errno.EINVAL, "Could not parse the JSON options: " + JsonComplaint.of(text, e), e);
        }
    }

    private Map<String, String> read() throws IOException {
        if (json.nextToken() == null) {
            throw new BlockException(Errno.EINVAL, "Could not parse the JSON options: Expecting a JSON value");
        }
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw new BlockException(Errno.EINVAL, "Invalid JSON object given");
        }
        readObject("", 0);
        if (json.nextToken() != null) {
            throw new BlockException(
                    Errno.EINVAL, "Could not parse the JSON options: Expecting at most one JSON value");
        }
        return flat;
    }

    private void readObject(String prefix, int depth) throws IOException {
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = prefix + json.currentName();
            json.nextToken();
            readValue(name, depth);
        }
    }

    private void readArray(String prefix, int depth) throws IOException {
        for (int index = 0; json.nextToken() != JsonToken.END_ARRAY; index++) {
            readValue(prefix + index, depth);
        }
    }

    private void readValue(String name, int depth) throws IOException {
        // Names of what is empty count too: making them costs as much.
        spend(name.length());
        switch (json.currentToken()) {
            case START_OBJECT -> readObject(name + '.', depth + 1);
            case START_ARRAY -> readArray(name + '.', depth + 1);
            case VALUE_TRUE -> put(name, "on", depth);
            case VALUE_FALSE -> put(name, "off", depth);
            case VALUE_NULL -> put(name, "", depth);
            default -> put(name, json.getText(), depth);
        }
    }

    private void spend(int length) throws BlockException {
        chars += length;
        if (chars > MAX_CHARS) {
            throw tooLarge();
        }
    }

    private static BlockException tooLarge() {
        return new BlockException(Errno.EINVAL, "Could not parse the JSON options: JSON token size limit exceeded");
    }

    private void put(String name, String value, int depth) throws BlockException {
        spend(value.length());
        Integer before = depths.get(name);
        if (before == null || before < depth) {
            flat.put(name, value);
            depths.put(name, depth);
        }
    }
}
