// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

/**
 * How an image did.
 *
 * @param name what the user knows it by
 * @param image what there is to see of it: of the image of the user's where an overlay of that was put to work
 * @param diskBytes size of its disk
 * @param figures of the requests
 * @param converted formats that it was converted to, or why to none
 */
record Outcome(String name, ImageFacts image, long diskBytes, Workload.Figures figures, String converted) {}
