// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.cli.OptionList;
import io.loomblock.cli.ToolException;
import io.loomblock.driver.NodeOptions;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of the tool: the image that is open, requests in the background, and what became of the commands so far.
 *
 * <p>Commands are executed one after the other by one thread.
 */
final class IoSession {
    private final String program;
    private final PrintStream out;
    private final PrintStream err;
    private final boolean misaligned;
    private final Background background = new Background();
    private @Nullable OpenImage image;
    private boolean failed;
    private boolean quit;

    private record OpenImage(BlockDevice device, @Nullable String filename, OpenOptions options) {}

    /**
     * A run without an image.
     *
     * @param program the name that messages begin with
     * @param misaligned whether buffers shall not be aligned
     */
    IoSession(String program, PrintStream out, PrintStream err, boolean misaligned) {
        this.program = program;
        this.out = out;
        this.err = err;
        this.misaligned = misaligned;
    }

    String program() {
        return program;
    }

    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    boolean misaligned() {
        return misaligned;
    }

    Background background() {
        return background;
    }

    /** Whether any command has failed. */
    boolean failed() {
        return failed;
    }

    /** Counts as a command that has failed. */
    void fail() {
        failed = true;
    }

    /** Ends the run after the command that is executed. */
    void quit() {
        quit = true;
    }

    boolean hasQuit() {
        return quit;
    }

    boolean isOpen() {
        return image != null;
    }

    /** The open image; IllegalStateException if there is none. */
    BlockDevice openDevice() {
        return image().device();
    }

    /** How the open image was opened. */
    OpenOptions openOptions() {
        return image().options();
    }

    private OpenImage image() {
        OpenImage open = image;
        if (open == null) {
            throw new IllegalStateException("no image is open");
        }
        return open;
    }

    /** Opens an image, by a name or by options alone; none is open. Says on standard error why it cannot, and returns false then. */
    boolean open(@Nullable String filename, OpenOptions options) {
        try {
            BlockDevice device = ImageFile.open(filename, options);
            image = new OpenImage(device, filename, options);
            ImageFile.warnIfGuessed(device, options, err);
            return true;
        } catch (BlockException e) {
            String what = filename == null ? "can't open" : "can't open device " + filename;
            err.println(program + ": " + what + ": " + e.reason());
            return false;
        }
    }

    /** Makes the open image writable or read-only; its requests in the background finish first. */
    void reopen(boolean writable) throws BlockException {
        background.await();
        OpenImage open = image();
        open.device().reopen(writable);
        image = new OpenImage(open.device(), open.filename(), open.options().withWritable(writable));
    }

    /** Opens the open image anew with other options; if that fails, with those that it had. */
    void reopen(OpenOptions options) throws BlockException {
        OpenImage before = image();
        close();
        try {
            image = new OpenImage(ImageFile.open(before.filename(), options), before.filename(), options);
        } catch (BlockException e) {
            openAgain(before, e);
            throw e;
        }
    }

    private void openAgain(OpenImage before, BlockException failure) {
        try {
            BlockDevice device = ImageFile.open(before.filename(), before.options());
            image = new OpenImage(device, before.filename(), before.options());
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    /** Closes the image, if one is open, after its requests have finished; the caller has the turn. */
    void close() throws BlockException {
        background.await();
        OpenImage open = image;
        image = null;
        if (open != null) {
            open.device().close();
        }
    }

    /** Options of nodes, as {@code driver=qed,file.filename=x}; what is odd about them is said on standard error. */
    NodeOptions nodeOptions(String list) throws ToolException {
        return OptionList.nodeOptions(list, null, warning -> err.println(program + ": warning: " + warning));
    }

    /** Asks for a command. */
    void prompt() {
        background.inTurn(() -> {
            out.print(program + "> ");
            out.flush();
        });
    }

    /** Executes a line; empty ones do nothing. */
    void execute(String line) {
        background.inTurn(() -> executeInTurn(line));
    }

    /** Lets everything finish and closes the image; a failure counts as a failed command, and is told unless a command met it. */
    void end() {
        background.inTurn(() -> {
            boolean told = failed && image != null && openDevice().node().flushFailure() != null;
            try {
                close();
            } catch (BlockException e) {
                failed = true;
                if (!told) {
                    err.println(program + ": " + e.reason());
                }
            }
        });
    }

    private void executeInTurn(String line) {
        List<String> words = new ArrayList<>();
        for (String word : line.split(" ")) {
            if (!word.isEmpty()) {
                words.add(word);
            }
        }
        if (!words.isEmpty() && !execute(words)) {
            failed = true;
        }
    }

    private boolean execute(List<String> words) {
        String name = words.get(0);
        CommandInfo command = Commands.find(name);
        if (command == null) {
            err.println("command \"" + name + "\" not found");
            return false;
        }
        if (command.needs() != CommandInfo.Needs.NOTHING && image == null) {
            err.println("no file open, try 'help open'");
            return false;
        }
        String complaint = command.complaintAbout(name, words.size() - 1);
        if (complaint != null) {
            err.println(complaint);
            return false;
        }
        if (command.needs() == CommandInfo.Needs.WRITABLE_IMAGE && openDevice().readOnly()) {
            err.println(program + ": Block node is read-only");
            return false;
        }
        Invocation call = new Invocation(this, command, words);
        try {
            command.action().run(call);
        } catch (CommandRefused refused) {
            call.fail(refused.line());
        }
        return !call.failed();
    }
}
