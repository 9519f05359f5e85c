// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.OpenOptions;
import io.loomblock.cli.GetOpt;
import io.loomblock.cli.GetOpt.LongOption;
import java.io.Serial;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The command line of the tool.
 *
 * @param open how the image is opened
 * @param misaligned whether buffers shall not be aligned
 * @param commands those of {@code -c}, in order; none for a dialogue
 * @param file the image, or null
 * @param imageOpts whether the image is described by options, not named
 */
record IoArguments(
        OpenOptions open,
        boolean misaligned,
        List<String> commands,
        @Nullable String file,
        boolean imageOpts) {
    private static final String SHORT_OPTIONS = "hVc:d:f:rsnCmki:t:T:U";
    private static final int OBJECT = 256;
    private static final int IMAGE_OPTS = 257;
    private static final List<LongOption> LONG_OPTIONS = List.of(
            LongOption.flag("help", 'h'),
            LongOption.flag("version", 'V'),
            LongOption.valued("cmd", 'c'),
            LongOption.valued("format", 'f'),
            LongOption.flag("read-only", 'r'),
            LongOption.flag("snapshot", 's'),
            LongOption.flag("nocache", 'n'),
            LongOption.flag("copy-on-read", 'C'),
            LongOption.flag("misalign", 'm'),
            LongOption.flag("native-aio", 'k'),
            LongOption.valued("aio", 'i'),
            LongOption.valued("discard", 'd'),
            LongOption.valued("cache", 't'),
            LongOption.valued("trace", 'T'),
            LongOption.flag("force-share", 'U'),
            LongOption.valued("object", OBJECT),
            LongOption.flag("image-opts", IMAGE_OPTS));

    /** The tool ends without doing anything: with the usage, the version or a message. */
    static final class Ends extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        /** What to print. */
        enum What {
            USAGE,
            VERSION,
            MESSAGE,
            /** The message, then the usage. */
            MISUSE
        }

        private final What what;

        Ends(What what, String message) {
            super(message, null, false, false);
            this.what = what;
        }

        What what() {
            return what;
        }
    }

    /**
     * Parses a command line.
     *
     * @param program the name that messages begin with
     * @throws Ends if there is nothing to be done after it
     */
    static IoArguments parse(String program, String[] args) throws Ends {
        OpenMode mode = new OpenMode();
        List<String> commands = new ArrayList<>();
        boolean misaligned = false;
        boolean imageOpts = false;
        GetOpt options = new GetOpt(words(program, args), SHORT_OPTIONS, LONG_OPTIONS.toArray(new LongOption[0]));
        try {
            for (int option = options.next(); option != GetOpt.END; option = options.next()) {
                switch (option) {
                    case 'h' -> throw new Ends(Ends.What.USAGE, "");
                    case 'V' -> throw new Ends(Ends.What.VERSION, "");
                    case 'c' -> commands.add(options.argument());
                    case 'f' -> mode.format(options.argument());
                    case 'm' -> misaligned = true;
                    case 'd', 'i', 't' -> mode.option((char) option, options.argument());
                    case 'C', 'k', 'n', 'r', 's', 'U' -> mode.option((char) option, "");
                    case 'T' -> {
                        // Tracing is a matter of the JVM (Flight Recorder).
                    }
                    case OBJECT -> throw new OpenMode.Refused("--object is not supported");
                    case IMAGE_OPTS -> imageOpts = true;
                    default -> throw new Ends(Ends.What.MISUSE, program + ": " + options.complaint());
                }
            }
        } catch (OpenMode.Refused e) {
            throw new Ends(Ends.What.MESSAGE, program + ": " + e.getMessage());
        }
        String[] operands = options.operands();
        if (operands.length > 1) {
            throw new Ends(Ends.What.MISUSE, "");
        }
        if (imageOpts && mode.hasFormat() && operands.length == 1) {
            throw new Ends(Ends.What.MESSAGE, program + ": --image-opts and -f are mutually exclusive");
        }
        String file = operands.length == 0 ? null : operands[0];
        return new IoArguments(mode.build(), misaligned, List.copyOf(commands), file, imageOpts);
    }

    private static String[] words(String program, String[] args) {
        List<String> words = new ArrayList<>(List.of(args));
        words.add(0, program);
        return words.toArray(new String[0]);
    }

    /** How the tool is called. */
    static String usage(String program) {
        return """
                Usage: %1$s [OPTIONS]... [-c STRING]... [file]
                Reads and writes disk images by small commands.

                  -c, --cmd STRING     execute this command; may be given more than once
                  -f, --format FMT     format of the image; otherwise it is probed
                      --image-opts     the file is described by options, as driver=FMT,file.filename=PATH
                  -r, --read-only      open the image read-only
                  -s, --snapshot       write to a temporary overlay
                  -C, --copy-on-read   keep what is read from backing files
                  -n, --nocache        around the page cache, like -t none
                  -t, --cache=MODE     writethrough (the default), writeback, none, directsync or unsafe
                  -d, --discard=MODE   discards: unmap or ignore
                  -m, --misalign       use buffers that are not aligned
                  -U, --force-share    with -r: share the image with whoever has it open
                  -k, --native-aio     accepted, without effect
                  -i, --aio=MODE       accepted, without effect (threads, native or io_uring)
                  -T, --trace ARG      accepted, without effect
                  -h, --help           show this and exit
                  -V, --version        show the version and exit

                See '%1$s -c help' for information on available commands.
                """.formatted(program);
    }
}
