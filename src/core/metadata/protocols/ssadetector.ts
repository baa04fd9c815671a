// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, type Plugin, VERDICT } from "../protocol.ts";

/** Payload of packets that may carry a segment without payload inside a tunnel. */
const SIZE = { min: 60, max: 150 } as const;
/** How much shorter a SYN may be than the SYN-ACK, and a SYN-ACK than the ACK: ciphers pad. */
const SHORTER = { syn: 10, synAck: 12 } as const;
/** How long an answer may take, in microseconds. */
const WINDOW = 3_000_000;
/** A flow of fewer packets is not looked at. */
const PACKETS_MIN = 30;
const LENGTHS_MAX = 100;
const HANDSHAKES_MIN = 3;
/** Packets to a handshake at most. */
const PACKETS_PER_HANDSHAKE = 2500;
/** Handshakes inside a tunnel have few lengths: lengths to a handshake at most, for fewer handshakes than so many. */
const VARIETY_MAX = [
  { below: 15, share: 0.6 },
  { below: 40, share: 0.4 },
  { below: Number.POSITIVE_INFINITY, share: 0.2 },
] as const;

/** When a packet of each length was last seen, by direction. */
class Times {
  readonly #at = new Float64Array(2 * (SIZE.max - SIZE.min + 1)).fill(Number.NEGATIVE_INFINITY);

  clear(): void {
    this.#at.fill(Number.NEGATIVE_INFINITY);
  }

  put({ payloadLength, reverse, time }: Packet): void {
    this.#at[2 * (payloadLength - SIZE.min) + reverse] = time;
  }

  /** Whether the packet may answer one of the other direction that was shorter by so many bytes at most. */
  answers({ payloadLength, reverse, time }: Packet, shorter: number): boolean {
    const last = payloadLength - SIZE.min;
    for (let i = Math.max(0, last - shorter); i <= last; i++)
      if (time - this.#at[2 * i + 1 - reverse]! <= WINDOW) return true;
    return false;
  }
}

class Handshakes implements FlowState {
  /** Made when a flow is long enough to be looked at, which few are. */
  #times: { readonly syn: Times; readonly synAck: Times } | undefined;
  packets = 0;
  count = 0;
  /** Lengths of the packets that completed handshakes, the first {@link LENGTHS_MAX}. */
  readonly lengths: number[] = [];

  reset(): void {
    this.#times?.syn.clear();
    this.#times?.synAck.clear();
    this.packets = 0;
    this.count = 0;
    this.lengths.length = 0;
  }

  /** @param asOriginal ipfixprobe looks for the SYN-ACK of an ACK among the SYNs */
  add(packet: Packet, asOriginal: boolean): void {
    this.#times ??= { syn: new Times(), synAck: new Times() };
    const { syn, synAck } = this.#times;
    if ((asOriginal ? syn : synAck).answers(packet, SHORTER.synAck)) {
      syn.clear();
      synAck.clear();
      this.count++;
      if (this.lengths.length < LENGTHS_MAX) this.lengths.push(packet.payloadLength);
      return;
    }
    if (!asOriginal && syn.answers(packet, SHORTER.syn)) synAck.put(packet);
    syn.put(packet);
  }

  get isSuspect(): boolean {
    const { count, packets, lengths } = this;
    if (packets <= PACKETS_MIN || count < HANDSHAKES_MIN) return false;
    if (packets / count > PACKETS_PER_HANDSHAKE) return false;
    const { share } = VARIETY_MAX.find(({ below }) => count < below)!;
    return new Set(lengths).size / lengths.length <= share;
  }
}

const fields = template("uint8 SSA_CONF_LEVEL");

export default defineProtocol({
  name: "ssadetector",
  about: "Whether a flow is a tunnel in which TCP connections are opened: 1 for yes.",
  fields,
  elements: { SSA_CONF_LEVEL: "e8057id903" },
  watch: { empty: true },
  byDefault: false,
  source: "ipfixprobe's plugin ssadetector",
  setup: ({ compat }): Plugin<Handshakes, typeof fields> => ({
    create: () => new Handshakes(),
    onPacket(packet, slot) {
      const { payloadLength } = packet;
      const fits = payloadLength >= SIZE.min && payloadLength <= SIZE.max;
      // ipfixprobe has a level for every flow that is long enough.
      if (!fits && !compat && !slot.state) return VERDICT.more;
      const handshakes = slot.take();
      handshakes.packets++;
      if (fits && handshakes.packets >= PACKETS_MIN) handshakes.add(packet, compat);
      return VERDICT.more;
    },
    // ipfixprobe drops short flows when they end.
    keeps: ({ packets }) => !compat || packets > PACKETS_MIN,
    write(handshakes, record) {
      record.SSA_CONF_LEVEL = handshakes.isSuspect ? 1 : 0;
    },
  }),
});
