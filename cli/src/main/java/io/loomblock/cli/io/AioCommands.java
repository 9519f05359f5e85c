// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.util.List;

/** {@code aio_read}, {@code aio_write} and {@code aio_flush}: requests that run while the user goes on. */
final class AioCommands {
    private static final CommandInfo READ = new CommandInfo(
                    "aio_read",
                    CommandInfo.Needs.IMAGE,
                    2,
                    CommandInfo.ANY,
                    "asynchronously reads a number of bytes",
                    call -> new AioRead(call).run())
            .withArguments("[-Ciqv] [-P pattern] off len [len..]")
            .withDetails("""

                     Like readv, but does not wait: aio_flush does. The command succeeds when the read has begun, whatever
                     becomes of it.

                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -i       count an invalid request instead
                     -P BYTE  every byte must be this one
                     -q       no figures
                     -v       dump what was read

                    """);

    private static final CommandInfo WRITE = new CommandInfo(
                    "aio_write",
                    CommandInfo.Needs.WRITABLE_IMAGE,
                    2,
                    CommandInfo.ANY,
                    "asynchronously writes a number of bytes",
                    call -> new AioWrite(call).run())
            .withArguments("[-Cfiquz] [-P pattern] off len [len..]")
            .withDetails("""

                     Like writev, but does not wait: aio_flush does. The command succeeds when the write has begun, whatever
                     becomes of it.

                     -C       figures for programs: bytes,ops,time,bytes/sec,ops/sec
                     -f       durable at once (force unit access)
                     -i       count an invalid request instead
                     -P BYTE  write this byte
                     -q       no figures
                     -u       with -z: space may be given back
                     -z       make the range read as zeros

                    """);

    private static final CommandInfo FLUSH = new CommandInfo(
            "aio_flush",
            CommandInfo.Needs.IMAGE,
            0,
            0,
            "completes all outstanding aio requests",
            call -> call.session().background().await());

    private AioCommands() {}

    static List<CommandInfo> all() {
        return List.of(READ, WRITE, FLUSH);
    }
}
