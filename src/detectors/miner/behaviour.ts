// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { PoolColumns } from "./pools.ts";

/**
 * How a miner talks to its pool: a connection kept up for hours, on which now and then a job comes and a share goes, each
 * in a small packet. The limits hold the clients of Stratum in public captures (4 to 23 packets a minute, 84 to 128 bytes).
 */
export const LIMITS = {
  /** Packets a minute and bytes a packet of the client. */
  perMinute: [4, 30],
  size: [50, 200],
  /** Packets of the server for each of the client's, where both directions are seen. */
  ratio: [0.2, 5],
} as const;
/** Share of flows without beginning and end of a connection. */
const PIECES_MIN = 0.8;

export interface Behaviour {
  readonly seconds: number;
  readonly perMinute: number;
  readonly size: number;
}

export function behaviourOf(columns: PoolColumns, row: number): Behaviour {
  const micros = columns.last[row]! - columns.first[row]!;
  const packets = columns.packetsUp[row]!;
  return {
    seconds: Math.floor(micros / SECOND),
    perMinute: micros > 0 ? (packets * 60 * SECOND) / micros : 0,
    size: packets > 0 ? columns.bytesUp[row]! / packets : 0,
  };
}

/** Whether a client keeps up a connection as miners do, for so many seconds at least. */
export function behaves(columns: PoolColumns, row: number, durationMin: number): boolean {
  const micros = columns.last[row]! - columns.first[row]!;
  if (micros < durationMin * SECOND) return false;
  const up = columns.packetsUp[row]!;
  const down = columns.packetsDown[row]!;
  if (!isIn(LIMITS.perMinute, (up * 60 * SECOND) / micros)) return false;
  if (!isIn(LIMITS.size, columns.bytesUp[row]! / up)) return false;
  if (down > 0 && !isIn(LIMITS.ratio, down / up)) return false;
  return columns.pieces[row]! >= PIECES_MIN * columns.flows[row]!;
}

const isIn = ([least, most]: readonly [number, number], value: number): boolean =>
  value >= least && value <= most;

const RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** Which ports are judged: 1 for each that is not in the list. Throws ERR_PARAM that names what is no port. */
export function judgedPorts(list: string): Uint8Array {
  const judged = new Uint8Array(65_536).fill(1);
  for (const item of list.split(",")) {
    const text = item.trim();
    if (text === "") continue;
    const [, first = "", last = first] = RANGE.exec(text) ?? [];
    if (first === "" || Number(last) > 65_535 || Number(first) > Number(last))
      throw paramError(`portsIgnored: expected ports such as 22,5222-5223, got "${text}"`);
    judged.fill(0, Number(first), Number(last) + 1);
  }
  return judged;
}
