// SPDX-License-Identifier: BSD-3-Clause
import type { OutputPort } from "../port.ts";
import { biflow, fieldOf } from "../unirec/template.ts";
import { writeTime } from "../unirec/time.ts";
import { COLD_SHIFT, HOT_SHIFT, STATE } from "./record.ts";
import type { FlowTable } from "./table.ts";

/**
 * What the meter sends on its port `flows`: NEMEA's basic biflow as ipfixprobe exports it, and why the flow ended
 * (IPFIX flowEndReason: 1 idle, 2 active, 3 end of flow, 4 forced, 5 lack of resources).
 */
export const FLOWS = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL,
  uint32 PACKETS, uint32 PACKETS_REV, uint64 BYTES, uint64 BYTES_REV,
  time TIME_FIRST, time TIME_LAST, uint8 TCP_FLAGS, uint8 TCP_FLAGS_REV,
  macaddr SRC_MAC, macaddr DST_MAC, uint64 LINK_BIT_FIELD, uint8 DIR_BIT_FIELD, uint8 FLOW_END_REASON
`);

const at = (name: string): number => fieldOf(FLOWS, name)!.offset;
const SRC_IP = at("SRC_IP");
const DST_IP = at("DST_IP");
const SRC_PORT = at("SRC_PORT");
const DST_PORT = at("DST_PORT");
const PROTOCOL = at("PROTOCOL");
const PACKETS = at("PACKETS");
const PACKETS_REV = at("PACKETS_REV");
const BYTES = at("BYTES");
const BYTES_REV = at("BYTES_REV");
const TIME_FIRST = at("TIME_FIRST");
const TIME_LAST = at("TIME_LAST");
const TCP_FLAGS = at("TCP_FLAGS");
const TCP_FLAGS_REV = at("TCP_FLAGS_REV");
const SRC_MAC = at("SRC_MAC");
const DST_MAC = at("DST_MAC");
const LINK_BIT_FIELD = at("LINK_BIT_FIELD");
const DIR_BIT_FIELD = at("DIR_BIT_FIELD");
const FLOW_END_REASON = at("FLOW_END_REASON");
const SIZE = FLOWS.fixedSize;

export interface Observation {
  /** Bit of the observation link (`LINK_BIT_FIELD`), 0 to 63; none when left out. */
  readonly link?: number;
  /** `DIR_BIT_FIELD`: 0 outgoing, 1 incoming. */
  readonly direction?: 0 | 1;
}

/** Encodes flows of a table straight into batches: an output's, mostly. */
export class FlowEncoder {
  readonly #port: Pick<OutputPort, "room">;
  readonly #linkLow: number;
  readonly #linkHigh: number;
  readonly #direction: number;

  constructor(port: Pick<OutputPort, "room">, { link, direction = 0 }: Observation) {
    this.#port = port;
    this.#linkLow = link !== undefined && link < 32 ? 1 << link : 0;
    this.#linkHigh = link !== undefined && link >= 32 ? 1 << (link - 32) : 0;
    this.#direction = direction;
  }

  /** Append the flow in `record`; its initiator is the source. */
  encode(table: FlowTable, record: number, reason: number): void {
    const { hot, doubles, cold } = table;
    const w = record << HOT_SHIFT;
    const d = record * 8;
    const c = record << COLD_SHIFT;
    const batch = this.#port.room(SIZE);
    const p = batch.push(SIZE);
    const { view } = batch;
    const state = hot[w + 5]!;
    const kind = hot[w + 1]!;
    const ports = hot[w + 2]!;
    const swapped = (state & STATE.direction) !== 0;
    const low = swapped ? p + DST_IP : p + SRC_IP;
    const high = swapped ? p + SRC_IP : p + DST_IP;
    if ((kind & 256) === 0) {
      view.setInt32(low, 0, true);
      view.setInt32(low + 4, 0, true);
      view.setInt32(low + 8, hot[w + 3]!, true);
      view.setInt32(low + 12, -1, true);
      view.setInt32(high, 0, true);
      view.setInt32(high + 4, 0, true);
      view.setInt32(high + 8, hot[w + 4]!, true);
      view.setInt32(high + 12, -1, true);
    } else {
      const { pool } = table;
      const z = hot[w + 4]! << 3;
      for (let word = 0; word < 4; word++) {
        view.setInt32(low + word * 4, pool[z + word]!, true);
        view.setInt32(high + word * 4, pool[z + 4 + word]!, true);
      }
    }
    view.setInt16(p + SRC_PORT, swapped ? ports : ports >>> 16, true);
    view.setInt16(p + DST_PORT, swapped ? ports >>> 16 : ports, true);
    view.setInt8(p + PROTOCOL, kind);
    view.setInt32(p + PACKETS, hot[w + 10]!, true);
    view.setInt32(p + PACKETS_REV, hot[w + 11]!, true);
    setUint64(view, p + BYTES, doubles[d + 6]!);
    setUint64(view, p + BYTES_REV, doubles[d + 7]!);
    const first = doubles[d + 4]!;
    writeTime(view, p + TIME_FIRST, first);
    writeTime(view, p + TIME_LAST, first + hot[w + 6]!);
    view.setInt8(p + TCP_FLAGS, state);
    view.setInt8(p + TCP_FLAGS_REV, state >>> 8);
    view.setInt32(p + SRC_MAC, cold[c]!, true);
    view.setInt16(p + SRC_MAC + 4, cold[c + 1]!, true);
    view.setInt32(p + DST_MAC, cold[c + 2]!, true);
    view.setInt16(p + DST_MAC + 4, cold[c + 3]!, true);
    view.setInt32(p + LINK_BIT_FIELD, this.#linkLow, true);
    view.setInt32(p + LINK_BIT_FIELD + 4, this.#linkHigh, true);
    view.setInt8(p + DIR_BIT_FIELD, this.#direction);
    view.setInt8(p + FLOW_END_REASON, reason);
  }
}

function setUint64(view: DataView, offset: number, value: number): void {
  const high = (value * 2 ** -32) | 0;
  view.setInt32(offset, (value - high * 4_294_967_296) | 0, true);
  view.setInt32(offset + 4, high, true);
}
