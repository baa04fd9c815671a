// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type Plugin, VERDICT } from "../protocol.ts";

const TYPE = { initiation: 1, response: 2, cookie: 3, data: 4 } as const;
/** Bytes of each message by its type; of data, the fewest. */
const SIZE = [0, 148, 92, 64, 32] as const;
/** Type, three zero bytes and two indexes: what is read of a message. */
const HEADER = 12;
const CONFIDENCE = { none: 0, maybeDns: 1, sure: 100 } as const;
/** Bytes 4 to 7 of a DNS query: one question, no answer. Its id and flags can look like a type and three zeros. */
const DNS_COUNTS = 0x00010000;

class WireGuard implements FlowState {
  confidence = 0;
  /** Index that the initiator of the flow chose, and that the responder did; 0 while unknown. */
  readonly peers: [number, number] = [0, 0];

  reset(): void {
    this.confidence = 0;
    this.peers[0] = 0;
    this.peers[1] = 0;
  }
}

/** Type of a WireGuard message; 0 for anything else. */
function typeOf({ view, payload, size, payloadLength }: Packet): number {
  if (size < HEADER) return 0;
  const type = view.getUint32(payload, true);
  if (type < TYPE.initiation || type > TYPE.data) return 0;
  const bytes = SIZE[type as 1 | 2 | 3 | 4];
  const fits = type === TYPE.data ? payloadLength >= bytes : payloadLength === bytes;
  return fits ? type : 0;
}

/** Learn the indexes of a message. */
function learn({ view, payload, reverse }: Packet, type: number, { peers }: WireGuard): void {
  const index = view.getUint32(payload + 4, true);
  const sender = reverse;
  const receiver = sender === 0 ? 1 : 0;
  if (type === TYPE.initiation) peers[sender] = index;
  else if (type === TYPE.response) {
    peers[sender] = index;
    peers[receiver] = view.getUint32(payload + 8, true);
  } else peers[receiver] = index;
}

const fields = template("uint8 WG_CONF_LEVEL, uint32 WG_SRC_PEER, uint32 WG_DST_PEER");

export default defineProtocol({
  name: "wg",
  about: "WireGuard: the indexes by which the peers know their session.",
  fields,
  elements: {
    WG_CONF_LEVEL: "e8057id1100",
    WG_SRC_PEER: "e8057id1101",
    WG_DST_PEER: "e8057id1102",
  },
  watch: { protocols: [PROTOCOL.udp] },
  byDefault: true,
  source: "wireguard.com/protocol, WireGuard whitepaper section 5.4",
  setup: ({ compat }): Plugin<WireGuard, typeof fields> => ({
    create: () => new WireGuard(),
    // Another session under the same ports: an initiation with another index than the sender's last.
    ...(compat && {
      splits(packet: Packet, { confidence, peers }: WireGuard) {
        if (confidence === CONFIDENCE.none || typeOf(packet) !== TYPE.initiation) return false;
        const known = peers[packet.reverse];
        return known !== 0 && known !== packet.view.getUint32(packet.payload + 4, true);
      },
    }),
    onPacket(packet, slot) {
      const type = typeOf(packet);
      if (type === 0) {
        if (slot.state) slot.state.confidence = CONFIDENCE.none;
        return VERDICT.done;
      }
      const state = slot.take();
      learn(packet, type, state);
      state.confidence =
        packet.view.getUint32(packet.payload + 4) === DNS_COUNTS
          ? CONFIDENCE.maybeDns
          : CONFIDENCE.sure;
      return VERDICT.more;
    },
    write({ confidence, peers }, record) {
      record.WG_CONF_LEVEL = confidence;
      record.WG_SRC_PEER = peers[0];
      record.WG_DST_PEER = peers[1];
    },
  }),
});
