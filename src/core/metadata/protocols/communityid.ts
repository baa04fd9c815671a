// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

const VERSION = "1:";
const SEED_SIZE = 2;
/** Bytes of seed, two addresses, protocol, padding and ports at most. */
const TUPLE_MAX = SEED_SIZE + 32 + 2 + 4;

/** Types of ICMP (RFC 792, 950, 1256) and the types of their answers: they take the places of ports. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [9, 10],
  [10, 9],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
]);
/** The same of ICMPv6 (RFC 4443, 2710, 4861, 4620, 4065). */
const ANSWERS6: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
  [130, 131],
  [131, 130],
  [133, 134],
  [134, 133],
  [135, 136],
  [136, 135],
  [139, 140],
  [140, 139],
  [144, 145],
  [145, 144],
]);

class CommunityId implements FlowState {
  text = "";

  reset(): void {
    this.text = "";
  }
}

interface Ports {
  readonly source: number;
  readonly target: number;
  /** There is no answer, so that the ends are not put in order. */
  readonly oneWay: boolean;
}

/** What a packet has for ports; undefined for protocols without, and where they are cut off. */
function portsOf(packet: Packet): Ports | undefined {
  const { view, protocol, transport, end, sourcePort, targetPort } = packet;
  if (protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp)
    return { source: sourcePort, target: targetPort, oneWay: false };
  if (protocol === PROTOCOL.sctp)
    return transport + 4 > end
      ? undefined
      : {
          source: view.getUint16(transport),
          target: view.getUint16(transport + 2),
          oneWay: false,
        };
  if (protocol !== PROTOCOL.icmp && protocol !== PROTOCOL.icmp6) return undefined;
  if (transport + 2 > end) return undefined;
  const type = view.getUint8(transport);
  const answer = (protocol === PROTOCOL.icmp ? ANSWERS : ANSWERS6).get(type);
  return {
    source: type,
    target: answer ?? view.getUint8(transport + 1),
    oneWay: answer === undefined,
  };
}

/** Order of two ends by address, then port: negative when the first is the smaller. */
function compare({ view }: Packet, a: number, b: number, size: number): number {
  for (let i = 0; i < size; i += 4) {
    const difference = view.getUint32(a + i) - view.getUint32(b + i);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Writes the tuple of a packet into `octets`, of which `tuple` is a view, smaller end first. Returns its size. */
function writeTuple(packet: Packet, octets: Uint8Array, tuple: DataView): number {
  const { ip, isV6, bytes, protocol } = packet;
  const size = isV6 ? 16 : 4;
  const source = ip + (isV6 ? 8 : 12);
  const target = source + size;
  const ports = portsOf(packet);
  const order = compare(packet, source, target, size) || (ports ? ports.source - ports.target : 0);
  const turned = order > 0 && ports?.oneWay !== true;
  const first = turned ? target : source;
  const second = turned ? source : target;
  for (let i = 0; i < size; i++) {
    octets[SEED_SIZE + i] = bytes[first + i]!;
    octets[SEED_SIZE + size + i] = bytes[second + i]!;
  }
  const at = SEED_SIZE + 2 * size;
  tuple.setUint16(at, protocol << 8);
  if (!ports) return at + 2;
  tuple.setUint16(at + 2, turned ? ports.target : ports.source);
  tuple.setUint16(at + 4, turned ? ports.source : ports.target);
  return at + 6;
}

export default defineProtocol({
  name: "communityid",
  about:
    "Community ID, version 1, seed 0: a hash of addresses and ports that other tools give the flow as well.",
  fields: template("string COMMUNITY_ID"),
  // Nobody has given it an element; this enterprise number is that of examples (RFC 5612).
  elements: { COMMUNITY_ID: "e32473id1" },
  watch: { empty: true },
  byDefault: false,
  source: "github.com/corelight/community-id-spec",
  setup: () => {
    const tuple = new DataView(new ArrayBuffer(TUPLE_MAX));
    const octets = new Uint8Array(tuple.buffer);
    return {
      create: () => new CommunityId(),
      onPacket(packet, slot) {
        const size = writeTuple(packet, octets, tuple);
        const hash = Bun.SHA1.hash(octets.subarray(0, size), "base64");
        slot.take().text = VERSION + hash;
        return VERDICT.done;
      },
      write({ text }, record) {
        record.COMMUNITY_ID = text;
      },
    };
  },
});
