// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Registered;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * The events that the Flight Recorder gets of requests, a type for each operation; off unless a recording asks for them.
 *
 * <p>While they are off a request asks one shared event whether its type is enabled, and makes none. Nothing here starts the recorder, nor
 * loads it: a type that registered itself would have it read all of its own metadata first, a tenth of a second before the first request.
 */
final class RequestEvents {
    private static final Read READ = new Read();
    private static final Write WRITE = new Write();
    private static final WriteZeroes WRITE_ZEROES = new WriteZeroes();
    private static final Discard DISCARD = new Discard();
    private static final Flush FLUSH = new Flush();

    static {
        // Called at once if there is a recorder already.
        FlightRecorder.addListener(new FlightRecorderListener() {
            @Override
            public void recorderInitialized(FlightRecorder recorder) {
                register();
            }
        });
    }

    private RequestEvents() {}

    private static void register() {
        FlightRecorder.register(Read.class);
        FlightRecorder.register(Write.class);
        FlightRecorder.register(WriteZeroes.class);
        FlightRecorder.register(Discard.class);
        FlightRecorder.register(Flush.class);
    }

    /** An event that begins now, or null while nobody records such events. */
    static @Nullable Request begin(Operation operation) {
        Request event =
                switch (operation) {
                    case READ -> READ.isEnabled() ? new Read() : null;
                    case WRITE -> WRITE.isEnabled() ? new Write() : null;
                    case WRITE_ZEROES -> WRITE_ZEROES.isEnabled() ? new WriteZeroes() : null;
                    case DISCARD -> DISCARD.isEnabled() ? new Discard() : null;
                    case FLUSH -> FLUSH.isEnabled() ? new Flush() : null;
                };
        if (event != null) {
            event.begin();
        }
        return event;
    }

    /** One request of a device, from the call to the return; time spent throttled or stopped is in it. */
    @Category("Loomblock")
    @Enabled(false)
    @Registered(false)
    @StackTrace(false)
    abstract static class Request extends Event {
        @Label("Device")
        @Nullable
        String device;

        @Label("Offset")
        @Description("Where on the disk, in bytes")
        long offset;

        @Label("Bytes")
        @DataAmount
        long bytes;

        @Label("Error")
        @Description("Linux error number, 0 for success")
        int errno;

        /** Ends the event and hands it to the recorder. */
        final void end(String name, long at, long length, int error) {
            device = name;
            offset = at;
            bytes = length;
            errno = error;
            commit();
        }
    }

    @Name("io.loomblock.Read")
    @Label("Block Read")
    static final class Read extends Request {}

    @Name("io.loomblock.Write")
    @Label("Block Write")
    static final class Write extends Request {}

    @Name("io.loomblock.WriteZeroes")
    @Label("Block Zero Write")
    static final class WriteZeroes extends Request {}

    @Name("io.loomblock.Discard")
    @Label("Block Discard")
    static final class Discard extends Request {}

    @Name("io.loomblock.Flush")
    @Label("Block Flush")
    static final class Flush extends Request {}
}
