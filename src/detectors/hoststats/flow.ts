// SPDX-License-Identifier: BSD-3-Clause
import { type Reader, uniflow } from "../../core/unirec/template.ts";
import { REQUEST, RESPONSE, UNKNOWN } from "./rules.ts";
import type { Settings } from "./settings.ts";

export const flows = uniflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST, ?uint8 DIRECTION_FLAGS
`);
export type Flow = Reader<typeof flows>;

export const TCP = 6;
const UDP = 17;
export const SSH_PORT = 22;
export const DNS = 53;

/** Ports from here on are those of clients. */
const CLIENT_PORTS = 10_000;
/** DIRECTION_FLAGS. */
const FLAG = { response: 4, request: 8 } as const;

/** 1 where a SYN was among the packets. */
export const synOf = (flags: number): number => (flags >>> 1) & 1;
export const ackOf = (flags: number): number => (flags >>> 4) & 1;

/** Whether the flow asks, answers, or nobody knows. */
export const kindOf = (flow: Flow, { byPorts }: Settings): number =>
  byPorts === 0 ? kindByFlags(flow.DIRECTION_FLAGS) : kindByPorts(flow.SRC_PORT, flow.DST_PORT);

/** Whoever has the lower port, if that is a server's, is the server. */
export function kindByPorts(source: number, target: number): number {
  if (source === target || (source >= CLIENT_PORTS && target >= CLIENT_PORTS)) return UNKNOWN;
  return source > target ? REQUEST : RESPONSE;
}

function kindByFlags(flags: number): number {
  if ((flags & FLAG.request) !== 0) return REQUEST;
  return (flags & FLAG.response) !== 0 ? RESPONSE : UNKNOWN;
}

/** A later fragment of a datagram, which has no ports: it tells nothing of requests. */
export const isEmptyUdp = (flow: Flow): boolean =>
  flow.PROTOCOL === UDP && flow.SRC_PORT === 0 && flow.DST_PORT === 0;

export const isSsh = (flow: Flow): boolean =>
  flow.PROTOCOL === TCP && (flow.SRC_PORT === SSH_PORT || flow.DST_PORT === SSH_PORT);

export const isDns = (flow: Flow): boolean =>
  (flow.PROTOCOL === UDP || flow.PROTOCOL === TCP) &&
  (flow.SRC_PORT === DNS || flow.DST_PORT === DNS);
