// SPDX-License-Identifier: BSD-3-Clause
/**
 * What nfdump's files know of a flow, as information elements (IANA's; 29305 is the other direction, RFC 5103): so that UniRec fields
 * come from a file by the same mapping as from an exporter.
 * @module
 */
import { WireTemplate } from "../ipfix/collect/wire-template.ts";

const REVERSE = 29_305;
const ENTERPRISE = 0x8000;
/** Labels of a stack that are kept. */
const LABELS = 10;

/** Number, bytes, and enterprise where it is not IANA: in the order in which a {@link FlowRecord} has them. */
const ELEMENTS = {
  first: [152, 8],
  last: [153, 8],
  eventAt: [323, 8],
  receivedAt: [258, 8],
  bytes: [1, 8],
  packets: [2, 8],
  bytesReverse: [1, 8, REVERSE],
  packetsReverse: [2, 8, REVERSE],
  flows: [3, 8],
  flowId: [148, 8],
  source6: [27, 16],
  target6: [28, 16],
  nextHop6: [62, 16],
  bgpNextHop6: [63, 16],
  exporter6: [131, 16],
  natSource6: [281, 16],
  natTarget6: [282, 16],
  source4: [8, 4],
  target4: [12, 4],
  nextHop4: [15, 4],
  bgpNextHop4: [18, 4],
  exporter4: [130, 4],
  natSource4: [225, 4],
  natTarget4: [226, 4],
  input: [10, 4],
  output: [14, 4],
  vlan: [58, 4],
  postVlan: [59, 4],
  sourceAs: [16, 4],
  targetAs: [17, 4],
  nextAs: [128, 4],
  previousAs: [129, 4],
  domain: [149, 4],
  ingressVrf: [234, 4],
  egressVrf: [235, 4],
  natPool: [283, 4],
  sourcePort: [7, 2],
  targetPort: [11, 2],
  natSourcePort: [227, 2],
  natTargetPort: [228, 2],
  sourceMac: [56, 6],
  postTargetMac: [57, 6],
  targetMac: [80, 6],
  postSourceMac: [81, 6],
  protocol: [4, 1],
  tos: [5, 1],
  tcpFlags: [6, 1],
  forwarding: [89, 1],
  sourceMask: [9, 1],
  targetMask: [13, 1],
  postTos: [55, 1],
  direction: [61, 1],
  biflowDirection: [239, 1],
  endReason: [136, 1],
  firewallEvent: [233, 1],
  natEvent: [230, 1],
  fragments: [197, 1],
  ttl: [192, 1],
  user: [371, 72],
} as const satisfies Record<
  string,
  readonly [number: number, bytes: number, enterprise?: typeof REVERSE]
>;

export type ElementName = keyof typeof ELEMENTS | `label${number}`;

interface Element {
  readonly number: number;
  readonly bytes: number;
  readonly enterprise: number;
}

const elements: readonly (readonly [ElementName, Element])[] = [
  ...Object.entries(ELEMENTS).map(([name, [number, bytes, enterprise = 0]]) => {
    return [name as ElementName, { number, bytes, enterprise }] as const;
  }),
  ...Array.from({ length: LABELS }, (_, i) => {
    return [`label${i + 1}` as ElementName, { number: 70 + i, bytes: 3, enterprise: 0 }] as const;
  }),
];

export interface Place {
  readonly at: number;
  readonly bytes: number;
}

const places = new Map<ElementName, Place>();
let total = 0;
for (const [name, { bytes }] of elements) {
  places.set(name, { at: total, bytes });
  total += bytes;
}

/** Bytes of a flow with all elements, one behind the other. */
export const FLOW_BYTES = total;

/** Where an element lies in a flow. */
export const placeOf = (name: ElementName): Place => places.get(name)!;

/** Flows of a file as an exporter would announce them. */
export function flowTemplate(): WireTemplate {
  const words = elements.flatMap(([, { number, bytes, enterprise }]) =>
    enterprise === 0
      ? [number, bytes]
      : [number | ENTERPRISE, bytes, enterprise >>> 16, enterprise & 0xffff],
  );
  return new WireTemplate({
    id: 0,
    dialect: "ipfix",
    fieldCount: elements.length,
    scopeCount: 0,
    isOptions: false,
    specs: String.fromCharCode(...words.flatMap((word) => [word >>> 8, word & 255])),
  });
}

/** Fields that files have beyond those of an exporter's mapping; nfwriter takes them by the same names. */
export const NFDUMP_FIELDS = `
ipaddr EXPORTER_IP e0id130,e0id131
uint32 ODID e0id149
uint32 INPUT_INTERFACE e0id10
uint32 OUTPUT_INTERFACE e0id14
uint8 SRC_MASK e0id9
uint8 DST_MASK e0id13
uint8 DST_TOS e0id55
uint8 FLOW_DIRECTION e0id61
uint8 BIFLOW_DIRECTION e0id239
uint8 FORWARDING_STATUS e0id89
uint64 FLOWS e0id3
uint32 SRC_AS e0id16
uint32 DST_AS e0id17
uint32 NEXT_AS e0id128
uint32 PREV_AS e0id129
uint16 VLAN_ID e0id58
uint16 POST_VLAN_ID e0id59
macaddr POST_SRC_MAC e0id81
macaddr POST_DST_MAC e0id57
ipaddr NEXT_HOP e0id15,e0id62
ipaddr BGP_NEXT_HOP e0id18,e0id63
ipaddr NAT_SRC_IP e0id225,e0id281
ipaddr NAT_DST_IP e0id226,e0id282
uint16 NAT_SRC_PORT e0id227
uint16 NAT_DST_PORT e0id228
uint8 NAT_EVENT e0id230
uint8 FIREWALL_EVENT e0id233
time EVENT_TIME e0id323
time RECEIVED_TIME e0id258
string USER_NAME e0id371
${Array.from({ length: LABELS }, (_, i) => `uint32 MPLS_LABEL_${i + 1} e0id${70 + i}`).join("\n")}
`;
