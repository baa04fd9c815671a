// SPDX-License-Identifier: BSD-3-Clause
/** Where the values of nfdump's extensions lie, by their numbers, and which elements they are. @module */
import { type ElementName, placeOf } from "./elements.ts";

/** A value of an extension: from where to where it goes, and whether its bytes keep their order as text does. Numbers are turned round. */
export interface Value {
  readonly from: number;
  readonly bytes: number;
  readonly to: number;
  readonly isText: boolean;
}

/** Offset, element, and the bytes that it has there where these are not the element's. */
type Row = readonly [from: number, element: ElementName, bytes?: number];

function values(rows: readonly Row[]): readonly Value[] {
  return rows.flatMap(([from, element, own]) => {
    const place = placeOf(element);
    const bytes = own ?? place.bytes;
    const isText = element === "user";
    const to = isText ? place.at : place.at + place.bytes - bytes;
    // Two numbers of 64 bits, the upper one first.
    if (bytes === 16)
      return [
        { from, bytes: 8, to, isText },
        { from: from + 8, bytes: 8, to: to + 8, isText },
      ];
    return [{ from, bytes, to, isText }];
  });
}

const LABEL_ROWS = Array.from({ length: 10 }, (_, i): Row => [4 * i, `label${i + 1}`]);

/** Extensions of V3 records. Those that are not here are passed over. */
export const V3_EXTENSIONS: Readonly<Record<number, readonly Value[]>> = {
  1: values([
    [0, "first"],
    [8, "last"],
    [16, "receivedAt"],
    [24, "packets"],
    [32, "bytes"],
    [40, "sourcePort"],
    [42, "targetPort"],
    [44, "protocol"],
    [45, "tcpFlags"],
    [46, "forwarding"],
    [47, "tos"],
  ]),
  2: values([
    [0, "source4"],
    [4, "target4"],
  ]),
  3: values([
    [0, "source6"],
    [16, "target6"],
  ]),
  4: values([
    [0, "input"],
    [4, "output"],
    [8, "sourceMask"],
    [9, "targetMask"],
    [10, "direction"],
    [11, "postTos"],
    [12, "biflowDirection"],
    [13, "endReason"],
  ]),
  5: values([
    [0, "flows"],
    [8, "packetsReverse"],
    [16, "bytesReverse"],
  ]),
  6: values([
    [0, "vlan"],
    [4, "postVlan"],
  ]),
  7: values([
    [0, "sourceAs"],
    [4, "targetAs"],
  ]),
  8: values([[0, "bgpNextHop4"]]),
  9: values([[0, "bgpNextHop6"]]),
  10: values([[0, "nextHop4"]]),
  11: values([[0, "nextHop6"]]),
  12: values([[0, "exporter4"]]),
  13: values([[0, "exporter6"]]),
  14: values(LABEL_ROWS),
  15: values([
    [0, "sourceMac"],
    [8, "postTargetMac"],
    [16, "targetMac"],
    [24, "postSourceMac"],
  ]),
  16: values([
    [0, "nextAs"],
    [4, "previousAs"],
  ]),
  19: values([
    [0, "eventAt"],
    [8, "flowId", 4],
    [14, "firewallEvent"],
  ]),
  20: values([
    [0, "natSource4"],
    [4, "natTarget4"],
  ]),
  21: values([
    [0, "natSource6"],
    [16, "natTarget6"],
  ]),
  22: values([
    [0, "natSourcePort"],
    [2, "natTargetPort"],
  ]),
  24: values([[0, "user", 66]]),
  25: values([
    [0, "eventAt"],
    [8, "natPool"],
    [12, "natEvent"],
  ]),
  33: values([[8, "domain"]]),
  36: values([
    [0, "egressVrf"],
    [4, "ingressVrf"],
  ]),
  38: values([
    [0, "vlan", 2],
    [4, "postVlan", 2],
  ]),
  39: values([[0, "flowId"]]),
  42: values([
    [1, "fragments"],
    [2, "ttl"],
  ]),
};

export interface V1Extension {
  readonly bytes: number;
  readonly values: readonly Value[];
}

const v1 = (bytes: number, rows: readonly Row[] = []): V1Extension => ({
  bytes,
  values: values(rows),
});

/**
 * Extensions of layout 1, which say neither their number nor their length: one that is not here ends what is known of a record.
 */
export const V1_EXTENSIONS: Readonly<Record<number, V1Extension>> = {
  4: v1(4, [
    [0, "input", 2],
    [2, "output", 2],
  ]),
  5: v1(8, [
    [0, "input"],
    [4, "output"],
  ]),
  6: v1(4, [
    [0, "sourceAs", 2],
    [2, "targetAs", 2],
  ]),
  7: v1(8, [
    [0, "sourceAs"],
    [4, "targetAs"],
  ]),
  8: v1(4, [
    [0, "postTos"],
    [1, "direction"],
    [2, "sourceMask"],
    [3, "targetMask"],
  ]),
  9: v1(4, [[0, "nextHop4"]]),
  10: v1(16, [[0, "nextHop6"]]),
  11: v1(4, [[0, "bgpNextHop4"]]),
  12: v1(16, [[0, "bgpNextHop6"]]),
  13: v1(4, [
    [0, "vlan", 2],
    [2, "postVlan", 2],
  ]),
  14: v1(4, [[0, "packetsReverse", 4]]),
  15: v1(8, [[0, "packetsReverse"]]),
  16: v1(4, [[0, "bytesReverse", 4]]),
  17: v1(8, [[0, "bytesReverse"]]),
  18: v1(4, [[0, "flows", 4]]),
  19: v1(8, [[0, "flows"]]),
  20: v1(16, [
    [0, "sourceMac"],
    [8, "postTargetMac"],
  ]),
  21: v1(16, [
    [0, "targetMac"],
    [8, "postSourceMac"],
  ]),
  22: v1(40, LABEL_ROWS),
  23: v1(4, [[0, "exporter4"]]),
  24: v1(16, [[0, "exporter6"]]),
  // The type of the engine and its number, one after the other as in the lower half of an observation domain.
  25: { bytes: 4, values: [{ from: 2, bytes: 2, to: placeOf("domain").at + 2, isText: true }] },
  26: v1(8, [
    [0, "nextAs"],
    [4, "previousAs"],
  ]),
  27: v1(8, [[0, "receivedAt"]]),
  37: v1(20, [
    [0, "eventAt"],
    [8, "flowId", 4],
    [14, "firewallEvent"],
  ]),
  38: v1(4, [
    [0, "natSourcePort"],
    [2, "natTargetPort"],
  ]),
  39: v1(8, [
    [0, "natSource4"],
    [4, "natTarget4"],
  ]),
  40: v1(32, [
    [0, "natSource6"],
    [16, "natTarget6"],
  ]),
  41: v1(24),
  42: v1(24, [[0, "user", 24]]),
  43: v1(72, [[0, "user"]]),
  45: v1(24),
  46: v1(12, [
    [0, "natEvent"],
    [4, "egressVrf"],
    [8, "ingressVrf"],
  ]),
  47: v1(8, [
    [0, "natSource4"],
    [4, "natTarget4"],
  ]),
  48: v1(8),
};

/** What is at the front of flows of layout 1, counted from their first byte. */
export const V1_COMMON = values([
  [20, "forwarding"],
  [21, "tcpFlags"],
  [22, "protocol"],
  [23, "tos"],
  [24, "sourcePort"],
  [26, "targetPort"],
]);
/** Addresses, then packets and bytes: by whether they are the longer form. */
export const V1_ADDRESSES = [V3_EXTENSIONS[2]!, V3_EXTENSIONS[3]!] as const;
export const V1_PACKETS = [values([[0, "packets", 4]]), values([[0, "packets"]])] as const;
export const V1_BYTES = [values([[0, "bytes", 4]]), values([[0, "bytes"]])] as const;
