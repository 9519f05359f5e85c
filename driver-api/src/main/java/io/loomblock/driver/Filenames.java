// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

/** How names of images are read: protocol prefixes, and names relative to another image. spec: block-layer.md section 5. */
public final class Filenames {
    private Filenames() {}

    /** Whether the name begins with {@code proto:}: a colon before the first slash. */
    public static boolean hasProtocol(String name) {
        int colon = name.indexOf(':');
        int slash = name.indexOf('/');
        return colon >= 0 && (slash < 0 || colon < slash);
    }

    /** The protocol of a name that {@link #hasProtocol has one}. */
    public static String protocol(String name) {
        return name.substring(0, name.indexOf(':'));
    }

    /** A path that is not read as a name with a protocol: {@code ./} goes before one with a colon. */
    public static String withoutProtocol(String path) {
        return hasProtocol(path) ? "./" + path : path;
    }

    /** A name of the file protocol without its prefix. */
    public static String stripFile(String name) {
        return name.startsWith("file:") ? name.substring("file:".length()) : name;
    }

    /**
     * The name by which an image opens another that it names: absolute names and those with a protocol as they are, others in the
     * directory of the image's own name (symbolic links in that are not resolved).
     */
    public static String combine(String imageName, String name) {
        if (name.isEmpty() || name.startsWith("/") || hasProtocol(name)) {
            return name;
        }
        String path = stripFile(imageName);
        String prefix = imageName.substring(0, imageName.length() - path.length());
        String directory = path.substring(0, path.lastIndexOf('/') + 1);
        return prefix + directory + name;
    }
}
