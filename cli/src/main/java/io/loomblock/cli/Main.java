// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import io.loomblock.BlockException;
import io.loomblock.cli.img.ImgTool;
import io.loomblock.cli.io.IoCommand;
import io.loomblock.cli.quickstart.Quickstart;
import io.loomblock.memory.AlignedBuffer;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import org.slf4j.LoggerFactory;

/**
 * The entry point of all tools: {@code [-v] img|io|quickstart ARGUMENTS}.
 *
 * <p>System property {@code loomblock.prog} is the name that messages begin with. {@code -v} before or right after the sub-command,
 * or LOOMBLOCK_DEBUG in the environment, shows the stack traces of errors.
 */
public final class Main {
    /** What {@code --version} says. */
    private static final String VERSION = "0.1.0";

    /** Exit code of a bug, as of a program that was killed by one. */
    private static final int INTERNAL_ERROR = 134;

    private Main() {}

    /** Runs the tool and ends the process with its exit code. */
    public static void main(String[] args) {
        quietLogging();
        if (Boolean.getBoolean("loomblock.early-memory")) {
            prepareMemory();
        }
        PrintStream out = new PrintStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16),
                false,
                System.out.charset());
        String prog = System.getProperty("loomblock.prog", "loomblock");
        boolean debug = System.getenv("LOOMBLOCK_DEBUG") != null || System.getProperty("loomblock.debug") != null;
        int code = run(args, new Console(prog, debug, System.in, out, System.err));
        out.flush();
        // Timers of images may still have threads; nothing of theirs is pending once every image is closed.
        System.exit(code);
    }

    /**
     * Messages of the tools are all that belongs on the standard error; what our memory wants of the JVM we say ourselves. The logger is
     * there when this returns: to two threads that ask for it first, at once, it would say so.
     */
    private static void quietLogging() {
        setDefault("org.slf4j.simpleLogger.defaultLogLevel", "error");
        setDefault("org.slf4j.simpleLogger.log.net.openhft", "off");
        LoggerFactory.getILoggerFactory();
    }

    /**
     * Chronicle Bytes takes some hundredths of a second to get ready: on another processor, while this one gets at files. The launcher asks
     * for it, which gives Java the options that keep it quiet about that. Whoever needs memory meets what fails here, and says it.
     */
    private static void prepareMemory() {
        Thread thread = Thread.ofPlatform()
                .daemon()
                .name("loomblock-memory")
                .uncaughtExceptionHandler((failed, why) -> {})
                .unstarted(Main::useMemory);
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            // No thread to be had: it is done later, by this one.
            return;
        }
    }

    private static void useMemory() {
        try {
            AlignedBuffer.allocate(1).close();
        } catch (BlockException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /** Runs a tool in this process; returns its exit code, never throws. */
    public static int run(String[] args, Console console) {
        Console here = console;
        int first = 0;
        if (args.length > 0 && args[0].equals("-v")) {
            here = console.withDebug(true);
            first = 1;
        }
        try {
            return dispatch(Arrays.copyOfRange(args, first, args.length), here);
        } catch (RuntimeException | Error e) {
            here.error("internal error: " + e);
            here.trace(e);
            return INTERNAL_ERROR;
        } finally {
            here.out().flush();
        }
    }

    private static int dispatch(String[] args, Console console) {
        String command = args.length == 0 ? "" : args[0];
        String[] rest = args.length == 0 ? args : Arrays.copyOfRange(args, 1, args.length);
        return switch (command) {
            case "img" -> ImgTool.run(rest, console);
            case "io" -> IoCommand.run(console.prog(), rest, console.in(), console.out(), console.err());
            case "quickstart" -> Quickstart.run(console.prog(), rest, console.in(), console.out(), console.err());
            case "-V", "--version" -> {
                console.println(versionLine());
                yield 0;
            }
            case "--rehearse" -> rest.length == 1 ? Rehearsal.run(Path.of(rest[0])) : hint(console);
            case "-h", "--help" -> {
                printHelp(console);
                yield 0;
            }
            default -> {
                console.error(command.isEmpty() ? "Not enough arguments" : "Command not found: " + command);
                yield hint(console);
            }
        };
    }

    private static int hint(Console console) {
        console.errorLine("Try '" + console.prog() + " --help' for more information");
        return ToolException.FAILURE;
    }

    /** The version of the tools. */
    public static String version() {
        return VERSION;
    }

    /** One line: the name and the version of the tools. */
    public static String versionLine() {
        return "loomblock version " + VERSION;
    }

    private static void printHelp(Console console) {
        console.out().print("""
                        usage: loomblock [-v] COMMAND ARGUMENTS...
                          img         create, inspect, check, convert and resize disk images (the command line of qemu-img)
                          io          read and write inside an image (the command line of qemu-io)
                          quickstart  show what Loomblock does, on images that it makes or on copies of yours
                          -v          show the stack traces of errors
                          --version   show the version
                        """);
    }
}
