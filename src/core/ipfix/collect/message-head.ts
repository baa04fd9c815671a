// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "../../unirec/types.ts";

/** Who sends: an address, or one connection from it. Templates are its own. */
export interface Exporter {
  readonly name: string;
  readonly ip: Ip;
}

/** What a message says of itself; the same object for each, valid until the next. */
export interface MessageHead {
  version: number;
  exporter: Exporter;
  /** Observation domain (IPFIX), source id (NetFlow v9), engine (v5). */
  domain: number;
  /** When it was sent, microseconds since 1970. */
  sentAt: number;
  /** Microseconds since 1970 at which the exporter's uptime began; NaN where the message does not say. */
  bootedAt: number;
  /** Its sequence number; 0 where the version has none. */
  sequence: number;
  /** NetFlow v5's sampling interval; 0 where the message does not say. */
  samplingInterval: number;
  /** NetFlow v5's sampling mode. */
  samplingMode: number;
}

/** Before the first message. */
export const NO_HEAD: Readonly<MessageHead> = {
  version: 0,
  exporter: { name: "", ip: { w0: 0, w1: 0, w2: 0, w3: 0 } },
  domain: 0,
  sentAt: 0,
  bootedAt: Number.NaN,
  sequence: 0,
  samplingInterval: 0,
  samplingMode: 0,
};
