// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.MinimalPrettyPrinter;
import java.io.IOException;
import java.io.Serial;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;

/** Writes descriptions of nodes as JSON in one line, with spaces where QEMU puts them. */
final class JsonText {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    private JsonText() {}

    /** The text of a value made of maps, strings, numbers and booleans; an empty Optional stands for null. */
    static String of(Map<String, Object> value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.setPrettyPrinter(new Spaced());
            write(value, json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static void write(Object value, JsonGenerator json) throws IOException {
        switch (value) {
            case Map<?, ?> map -> {
                json.writeStartObject();
                for (var member : map.entrySet()) {
                    json.writeFieldName(member.getKey().toString());
                    write(member.getValue(), json);
                }
                json.writeEndObject();
            }
            case Boolean flag -> json.writeBoolean(flag);
            case Optional<?> nothing -> json.writeNull();
            case Long number -> json.writeNumber(number);
            default -> json.writeString(value.toString());
        }
    }

    /** A space after colons and commas. */
    private static final class Spaced extends MinimalPrettyPrinter {
        @Serial
        private static final long serialVersionUID = 1L;

        @Override
        public void writeObjectFieldValueSeparator(JsonGenerator json) throws IOException {
            json.writeRaw(": ");
        }

        @Override
        public void writeObjectEntrySeparator(JsonGenerator json) throws IOException {
            json.writeRaw(", ");
        }
    }
}
