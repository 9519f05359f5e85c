// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is wrong with a text that is no JSON, in the words of QEMU's parser, which looks at tokens where ours looks at characters. */
final class JsonComplaint {
    private static final String PARSE_ERROR = "JSON parse error, ";
    private static final String NO_VALUE = "expecting value";
    private static final String NO_MEMBER = "expected separator in dict";
    private static final String NO_ELEMENT = "expected separator in list";
    private static final Pattern BAD_WORD = Pattern.compile("Unrecognized token '([^']*)'.*", Pattern.DOTALL);
    private static final Pattern BAD_CHARACTER =
            Pattern.compile("Unexpected character \\('(.)' \\(code [^)]*\\)\\):? ?(.*)", Pattern.DOTALL);
    private static final Pattern WORD = Pattern.compile("[a-z]+");

    private JsonComplaint() {}

    /** Why this text was not read, which failed so. */
    static String of(String text, IOException failure) {
        if (text.isBlank()) {
            return "Expecting a JSON value";
        }
        // What follows is the place, and a part of the text.
        String said = String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
        if (failure instanceof StreamConstraintsException) {
            return said.contains("nesting") ? "JSON nesting depth limit exceeded" : "JSON token size limit exceeded";
        }
        return PARSE_ERROR + parseError(text, failure, said);
    }

    private static String parseError(String text, IOException failure, String said) {
        if (failure instanceof JsonEOFException) {
            return "premature EOI";
        } else if (said.startsWith("Duplicate field")) {
            return "duplicate key";
        }
        if (said.startsWith("Unexpected close marker")) {
            return closed(said);
        }
        Matcher word = BAD_WORD.matcher(said);
        if (word.matches()) {
            return "invalid keyword '" + word.group(1) + "'";
        }
        Matcher character = BAD_CHARACTER.matcher(said);
        if (character.matches()) {
            return unexpected(text, failure, character.group(1).charAt(0), character.group(2));
        }
        return said;
    }

    /** What was open, if anything, ends in another bracket. */
    private static String closed(String said) {
        if (said.contains("expected ']'")) {
            return NO_ELEMENT;
        }
        return said.contains("expected '}'") ? NO_MEMBER : NO_VALUE;
    }

    private static String unexpected(String text, IOException failure, char found, String expected) {
        if (expected.contains("colon")) {
            return "missing : in object pair";
        } else if (expected.contains("to separate Object")) {
            return NO_MEMBER;
        } else if (expected.contains("to separate Array")) {
            return NO_ELEMENT;
        } else if (",:}]".indexOf(found) >= 0) {
            return NO_VALUE;
        }
        Matcher word = WORD.matcher(text);
        if (found >= 'a' && found <= 'z' && word.find(place(text, failure, found))) {
            return "invalid keyword '" + word.group() + "'";
        }
        boolean isKey = expected.contains("field name");
        return isKey && "{[-0123456789".indexOf(found) >= 0 ? "key is not a string in object" : "stray '" + found + "'";
    }

    /** Where the character stands: the parser may be past it already. */
    private static int place(String text, IOException failure, char found) {
        long offset = failure instanceof JsonProcessingException e && e.getLocation() != null
                ? e.getLocation().getCharOffset()
                : text.indexOf(found);
        int at = Math.clamp(offset, 0, text.length() - 1);
        return at > 0 && text.charAt(at) != found ? at - 1 : at;
    }
}
