// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.PrettyPrinter;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.loomblock.driver.QemuOrder;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Prints values as QEMU prints JSON for people: four spaces a level, every element on a line of its own, members in the order of
 * QEMU's dictionaries ({@link QemuOrder}).
 */
final class QemuJson {
    private QemuJson() {}

    /** Prints a value made of maps, lists, strings, numbers and booleans, with a newline at the end. */
    static void print(Object value, PrintStream out) {
        StringWriter text = new StringWriter();
        JsonFactory factory =
                JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
        try (JsonGenerator json = factory.createGenerator(text)) {
            json.setPrettyPrinter(new Layout());
            write(value, json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.print(text);
        out.print('\n');
    }

    private static void write(Object value, JsonGenerator json) throws IOException {
        switch (value) {
            case Map<?, ?> map -> writeMap(map, json);
            case List<?> list -> {
                json.writeStartArray();
                for (Object element : list) {
                    write(element, json);
                }
                json.writeEndArray();
            }
            case Boolean flag -> json.writeBoolean(flag);
            case Number number -> json.writeNumber(number.longValue());
            default -> json.writeString(value.toString());
        }
    }

    private static void writeMap(Map<?, ?> map, JsonGenerator json) throws IOException {
        List<Map.Entry<?, ?>> members = new ArrayList<>(map.entrySet());
        members.sort((a, b) -> Integer.compare(chain(a), chain(b)));
        json.writeStartObject();
        for (Map.Entry<?, ?> member : members) {
            json.writeFieldName(member.getKey().toString());
            write(member.getValue(), json);
        }
        json.writeEndObject();
    }

    private static int chain(Map.Entry<?, ?> member) {
        return QemuOrder.chain(member.getKey().toString());
    }

    /** Where line breaks and spaces go. */
    private static final class Layout implements PrettyPrinter {
        private int depth;

        @Override
        public void writeStartObject(JsonGenerator json) throws IOException {
            open(json, '{');
        }

        @Override
        public void beforeObjectEntries(JsonGenerator json) throws IOException {
            newLine(json);
        }

        @Override
        public void writeObjectFieldValueSeparator(JsonGenerator json) throws IOException {
            json.writeRaw(": ");
        }

        @Override
        public void writeObjectEntrySeparator(JsonGenerator json) throws IOException {
            json.writeRaw(',');
            newLine(json);
        }

        @Override
        public void writeEndObject(JsonGenerator json, int members) throws IOException {
            close(json, '}');
        }

        @Override
        public void writeStartArray(JsonGenerator json) throws IOException {
            open(json, '[');
        }

        @Override
        public void beforeArrayValues(JsonGenerator json) throws IOException {
            newLine(json);
        }

        @Override
        public void writeArrayValueSeparator(JsonGenerator json) throws IOException {
            json.writeRaw(',');
            newLine(json);
        }

        @Override
        public void writeEndArray(JsonGenerator json, int elements) throws IOException {
            close(json, ']');
        }

        @Override
        public void writeRootValueSeparator(JsonGenerator json) {}

        private void open(JsonGenerator json, char bracket) throws IOException {
            json.writeRaw(bracket);
            depth++;
        }

        private void close(JsonGenerator json, char bracket) throws IOException {
            depth--;
            newLine(json);
            json.writeRaw(bracket);
        }

        private void newLine(JsonGenerator json) throws IOException {
            json.writeRaw('\n');
            for (int i = 0; i < depth; i++) {
                json.writeRaw("    ");
            }
        }
    }
}
