// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.cli.Main;
import io.loomblock.cli.ToolException;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** The {@code io} tool: parses its command line, opens the image and executes commands from the command line or a dialogue. */
public final class IoCommand {
    /** What C's stdio holds back of an output that is no terminal; so the order against standard error comes out as qemu-io's. */
    private static final int BUFFER = 4096;

    private final String program;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    private IoCommand(String program, InputStream in, PrintStream out, PrintStream err) {
        this.program = program;
        this.in = in;
        boolean terminal = System.console() != null;
        this.out = new PrintStream(
                terminal ? out : new BufferedOutputStream(out, BUFFER), terminal, StandardCharsets.UTF_8);
        this.err = err;
    }

    /**
     * Runs the tool.
     *
     * @param program the name that the prompt and messages show
     * @param args the command line, without the name
     * @param in where commands are read from if the command line has none
     * @return the exit code: 0, or 1 if anything has failed
     */
    public static int run(String program, String[] args, InputStream in, PrintStream out, PrintStream err) {
        IoCommand command = new IoCommand(program, in, out, err);
        try {
            return command.run(args);
        } finally {
            command.out.flush();
            err.flush();
        }
    }

    private int run(String[] args) {
        IoArguments arguments;
        try {
            arguments = IoArguments.parse(program, args);
        } catch (IoArguments.Ends e) {
            return end(e);
        }
        IoSession session = new IoSession(program, out, err, arguments.misaligned());
        String file = arguments.file();
        if (file != null && !open(session, file, arguments)) {
            return 1;
        }
        try {
            if (arguments.commands().isEmpty()) {
                dialogue(session);
            } else {
                batch(session, arguments);
            }
        } finally {
            session.end();
        }
        return session.failed() ? 1 : 0;
    }

    private boolean open(IoSession session, String file, IoArguments arguments) {
        if (!arguments.imageOpts()) {
            return session.open(file, arguments.open());
        }
        try {
            return session.open(null, arguments.open().withNodeOptions(session.nodeOptions(file)));
        } catch (ToolException e) {
            err.println(program + ": " + e.text());
            return false;
        }
    }

    private int end(IoArguments.Ends e) {
        String message = Objects.requireNonNullElse(e.getMessage(), "");
        if (!message.isEmpty()) {
            err.println(message);
        }
        switch (e.what()) {
            case USAGE, MISUSE -> out.print(IoArguments.usage(program));
            case VERSION -> out.print(program + " version " + Main.version() + "\n");
            case MESSAGE -> {
                // That was all.
            }
        }
        return e.what() == IoArguments.Ends.What.USAGE || e.what() == IoArguments.Ends.What.VERSION ? 0 : 1;
    }

    private void batch(IoSession session, IoArguments arguments) {
        for (String line : arguments.commands()) {
            if (session.hasQuit()) {
                return;
            }
            session.execute(line);
        }
    }

    private void dialogue(IoSession session) {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        try {
            while (!session.hasQuit()) {
                session.prompt();
                String line = lines.readLine();
                if (line == null) {
                    return;
                }
                session.execute(line);
            }
        } catch (IOException e) {
            err.println(program + ": cannot read commands: " + e.getMessage());
            session.fail();
        }
    }
}
