// SPDX-License-Identifier: BSD-3-Clause
import type { SinkPlace } from "../../../core/exporter.ts";
import type syslog from "../index.ts";

export const PLACE: SinkPlace = { host: "nemean-01", version: "0.1.0" };

/** Parameters for a server on this machine that answers soon. */
export const PARAMS = {
  host: "127.0.0.1",
  port: 0,
  transport: "tcp",
  format: "json",
  facility: "local0",
  ca: "",
  key: "",
  cert: "",
  serverName: "",
  timeout: 2,
} satisfies Parameters<typeof syslog.open>[0];
