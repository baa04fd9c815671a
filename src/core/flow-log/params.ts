// SPDX-License-Identifier: BSD-3-Clause
import { param } from "../module.ts";

/** What a source that reads logs is told. */
export const FLOW_LOG_PARAMS = {
  files: param.text({
    default: "",
    about:
      "Files to read, with commas between; a folder stands for all its files in the order of their names; `-` is standard input",
    flag: "f",
  }),
  recordsMax: param.count({
    default: Number.MAX_SAFE_INTEGER,
    about: "End after so many flows",
    flag: "c",
  }),
  noEof: param.flag({
    default: false,
    about: "Keep the end of the stream from the receivers, who then wait for the next sender",
    flag: "n",
  }),
  realTime: param.flag({
    default: false,
    about: "Send flows as far apart as their ends were",
    flag: "R",
  }),
  rate: param.count({
    default: 0,
    about: "Flows in a second at most; 0 for as fast as they are taken",
    flag: "r",
  }),
  link: param.text({
    default: "1",
    about: "LINK_BIT_FIELD of all flows, hexadecimal",
    flag: "l",
  }),
};
