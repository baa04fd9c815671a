// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import type { Setup } from "./fields.ts";
import { type Side, TALKED_CLOSED } from "./services.ts";

/** Packets a server needs to refuse a login. */
const PACKETS_MIN = 6;
/** Answers that a profile is made of, and those after which it is made anew. */
const ANSWERS = 15;
const AGAIN_AFTER = 10;
/** What an answer may have beyond the median. */
const SPARE = { packets: 5, bytes: 500 } as const;
/** Seconds after which a server that is not heard of is forgotten. */
const IDLE = 86_400;

/** What each TELNET server usually answers: those that answer no more than that refused somebody. */
export class TelnetProfiles {
  readonly #servers;
  readonly #packets: Uint32Array;
  readonly #bytes: Float64Array;
  /** Answers so far; and the limits, 0 before there are any. */
  readonly #answers: Uint32Array;
  readonly #packetsMax: Uint32Array;
  readonly #bytesMax: Float64Array;
  readonly #sorted = new Float64Array(ANSWERS);

  constructor({ state, params: { serversMax } }: Setup) {
    this.#servers = state.table("servers", { key: ["ip"], rows: serversMax, idle: IDLE * SECOND });
    this.#packets = state.column("servers.packets", "uint32", serversMax * ANSWERS);
    this.#bytes = state.column("servers.bytes", "float64", serversMax * ANSWERS);
    this.#answers = state.column("servers.answers", "uint32", serversMax);
    this.#packetsMax = state.column("servers.packetsMax", "uint32", serversMax);
    this.#bytesMax = state.column("servers.bytesMax", "float64", serversMax);
  }

  /** Whether a server's answer is a usual one; it becomes a part of the profile. */
  isUsual(server: Ip, { packets, bytes, flags }: Side, time: number): boolean {
    if ((flags & TALKED_CLOSED) !== TALKED_CLOSED || packets < PACKETS_MIN) return false;
    const row = this.#servers.upsertIp(server, time);
    if (this.#servers.isNew) this.#answers[row] = this.#packetsMax[row] = 0;
    const answers = this.#answers[row]!++;
    const at = row * ANSWERS + (answers % ANSWERS);
    this.#packets[at] = packets;
    this.#bytes[at] = bytes;
    const beyond = answers + 1 - ANSWERS;
    if (beyond >= 0 && beyond % AGAIN_AFTER === 0) this.#learn(row);
    return packets <= this.#packetsMax[row]! && bytes <= this.#bytesMax[row]!;
  }

  #learn(row: number): void {
    this.#packetsMax[row] = this.#median(this.#packets, row) + SPARE.packets;
    this.#bytesMax[row] = this.#median(this.#bytes, row) + SPARE.bytes;
  }

  #median(column: Uint32Array | Float64Array, row: number): number {
    this.#sorted.set(column.subarray(row * ANSWERS, (row + 1) * ANSWERS));
    return this.#sorted.sort()[ANSWERS >>> 1]!;
  }

  expire(now: number): void {
    this.#servers.expire(now);
  }
}
