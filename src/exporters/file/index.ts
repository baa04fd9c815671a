// SPDX-License-Identifier: BSD-3-Clause
import { isAbsolute } from "node:path";
import type { Alert } from "../../core/alert.ts";
import { paramError } from "../../core/errors.ts";
import { defineExporter, type SendResult, type Sink } from "../../core/exporter.ts";
import { param } from "../../core/module.ts";
import { FORMATS } from "../formats/formats.ts";
import { LogFile } from "./log-file.ts";

const MEGABYTE = 1_000_000;
const MODE = /^0?[0-7]{3}$/;

export default defineExporter({
  name: "file",
  about: "Appends alerts to a file, one line each.",
  details: `
**For** agents that read files: Wazuh and Filebeat take \`eve\`, log shippers \`json\` or \`cef\`.

Lines are whole: what was written of one when the disk was full is taken back, and a line that a crash cut off is
ended before the next. The file is made with \`mode\` when it is not there. It is opened anew when it was moved or
deleted, so logrotate needs no signal; or let \`rotate\` move it: to \`alerts.json.1\`, the one before it to \`.2\`,
and so on.

A full disk and a missing folder are waited out. With \`sync\` alerts count as sent when the disk has them, which
costs a wait for the disk each batch; without it they survive a crash of the program and not one of the system.
`,
  params: {
    path: param.text({ default: "", about: "absolute path of the file" }),
    format: param.choice({
      options: ["json", "eve", "cef", "idea"],
      default: "json",
      about: "format of a line",
    }),
    rotate: param.count({
      default: 0,
      max: 1_000_000,
      about: "megabytes after which the file is moved and a new one begun; 0 leaves that to others",
    }),
    keep: param.count({
      default: 5,
      min: 1,
      max: 1000,
      about: "files to keep beside the one that is written, with `rotate`",
    }),
    mode: param.text({ default: "0640", about: "octal permissions of a file that is made" }),
    sync: param.flag({ default: false, about: "wait for the disk after each batch" }),
  },
  open({ path, format, rotate, keep, mode, sync }, place) {
    if (!isAbsolute(path))
      throw paramError(`path: expected an absolute path, got ${JSON.stringify(path)}`);
    if (!MODE.test(mode))
      throw paramError(`mode: expected octal permissions as 0640, got ${JSON.stringify(mode)}`);
    const file = new LogFile({
      path,
      mode: Number.parseInt(mode, 8),
      rotateBytes: rotate === 0 ? Number.POSITIVE_INFINITY : rotate * MEGABYTE,
      keep,
      sync,
    });
    const write = FORMATS[format];
    return {
      send: (alerts: readonly Alert[]): Promise<SendResult> =>
        file.append(alerts.map((alert) => Buffer.from(`${write(alert, place)}\n`))),
      close: () => file.close(),
    } satisfies Sink;
  },
});
