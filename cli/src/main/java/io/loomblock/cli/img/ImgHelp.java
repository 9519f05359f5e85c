// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import io.loomblock.cli.Console;
import io.loomblock.cli.Main;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;

/** What {@code img --help} prints. */
final class ImgHelp {
    private static final String TEXT = """
            usage: %s [-h] [-V] [-v] COMMAND [OPTIONS] ARGUMENTS

              amend [-p] [-q] [-f FMT | --image-opts] [-t CACHE] [--force] -o OPTIONS FILE
                  changes settings of an image; -o help lists those of its format
              bench [-c COUNT] [-d DEPTH] [-f FMT | --image-opts] [-i AIO] [-n] [-o OFFSET] [-s SIZE] [-S STEP] [-t CACHE]
                    [-w [--pattern=BYTE] [--flush-interval=COUNT [--no-drain]]] [-q] [-U] FILE
                  makes many reads, or with -w writes, and tells how long they took
              check [-q] [-f FMT | --image-opts] [--output=human|json] [-r leaks|all] [-T CACHE] [-U] FILE
                  checks the metadata of an image; -r repairs it
                  exit code: 0 clean, 1 could not check, 2 errors, 3 leaked space only, 63 the format has no check
              compare [-f FMT] [-F FMT] [--image-opts] [-T CACHE] [-p] [-q] [-s] [-U] FILE1 FILE2
                  tells whether two images have the same content; -s: also the same size and allocation
                  exit code: 0 same, 1 different, 2 could not open, 3 could not get status, 4 could not read
              convert [-p] [-q] [-n] [-f FMT] [-O FMT] [-o OPTIONS] [-B FILE [-F FMT]] [-t CACHE] [-T CACHE]
                      [-S SIZE] [-m NUMBER] [-W] [-r RATE] [-U] [--target-is-zero] [--salvage]
                      [--image-opts] [--target-image-opts] FILE... TARGET
                  copies an image, or several one after the other, into another format
              create [-q] [-f FMT] [-b FILE [-F FMT]] [-u] [-o OPTIONS] FILE [SIZE]
                  makes an image; -o help lists the options of a format
              info [-f FMT | --image-opts] [--output=human|json] [--backing-chain] [-U] FILE
                  shows what an image is
              map [-f FMT | --image-opts] [-s OFFSET] [-l LENGTH] [--output=human|json] [-U] FILE
                  shows where the content of an image lies
              resize [-f FMT | --image-opts] [--preallocation=MODE] [-q] [--shrink] FILE [+|-]SIZE
                  changes the size of an image

              -v before COMMAND shows the stack trace of an error
              FILE    a path, PROTOCOL:NAME, or json:{...} with options; with --image-opts those as
                      driver=FMT,file.filename=PATH
              SIZE    bytes; the suffixes k, M, G, T, P, E are powers of 1024
              CACHE   writeback, none, writethrough, directsync, unsafe
              -p shows progress, -q prints errors only, -U opens images that others write

            Supported formats:""";

    private ImgHelp() {}

    static void print(Console console) {
        console.println(Main.versionLine());
        console.out().print(TEXT.formatted(console.prog()));
        for (BlockDriverProvider provider : Drivers.all()) {
            console.out().print(' ');
            console.out().print(provider.formatName());
        }
        console.println("");
    }
}
