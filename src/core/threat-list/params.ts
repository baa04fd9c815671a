// SPDX-License-Identifier: BSD-3-Clause
import { param } from "../module.ts";

/** Parameters that detectors with threat lists have in common; what they are told of is called what they list. */
export const listParams = (words: {
  /** What the files hold: "names". */
  readonly listed: string;
  /** Which flows raise an alert: "Flows of a host about a listed name". */
  readonly flows: string;
  /** What is watched at once: "Pairs of host and listed name". */
  readonly pairs: string;
}) => ({
  lists: param.text({
    default: "",
    about: `Files with listed ${words.listed}, \`name=path;severity=8\`, by commas`,
  }),
  noEof: param.flag({
    default: false,
    about: "Keep the end of the stream from the receivers, who then wait for the next sender",
    flag: "n",
  }),
  flowsMin: param.count({ default: 1, min: 1, about: `${words.flows} that raise an alert` }),
  updateInterval: param.seconds({
    default: 60,
    about: "Least time between two updates of an event",
  }),
  opensMax: param.count({
    default: 1000,
    min: 1,
    about:
      "Events opened in a minute at most; what is beyond is counted and opens with a later flow",
  }),
  idleTimeout: param.seconds({
    default: 3600,
    min: 1,
    about: "An event without flows for this long has ended",
  }),
  contactsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: `${words.pairs} watched at once`,
  }),
  compat: param.compat(),
});
