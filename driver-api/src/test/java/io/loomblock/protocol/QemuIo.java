// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.testkit.Tools;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A qemu-io that has an image open until it is told to quit. */
final class QemuIo implements AutoCloseable {
    private final Process process;
    private final Writer commands;

    private QemuIo(Process process) {
        this.process = process;
        this.commands = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Starts it, and returns when the image is open. */
    static QemuIo open(Path directory, String file, String... options) throws IOException {
        Tools.require("qemu-io");
        List<String> command = new ArrayList<>(List.of("qemu-io"));
        command.addAll(List.of(options));
        command.add(file);
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        QemuIo qemu = new QemuIo(process);
        // Its answer to a command shows that it has opened the image.
        qemu.command("length");
        StringBuilder seen = new StringBuilder();
        while (!seen.toString().contains("KiB")) {
            int c = process.getInputStream().read();
            if (c < 0) {
                throw new AssertionError("qemu-io ended: " + seen);
            }
            seen.append((char) c);
        }
        return qemu;
    }

    private void command(String text) throws IOException {
        commands.write(text + "\n");
        commands.flush();
    }

    /** Ends it and waits until it has let the image go. */
    void quit() throws IOException, InterruptedException {
        command("quit");
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new AssertionError("qemu-io does not quit");
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
