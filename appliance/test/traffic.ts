// SPDX-License-Identifier: BSD-3-Clause
/** Frames for the tap port. @module */

const CLIENT = 0xc0000201; // 192.0.2.1
const SERVER = 0xc6336402; // 198.51.100.2
const SCANNER = 0xcb007107; // 203.0.113.7
const SILENT_SCANNER = 0xcb007109; // 203.0.113.9
const SYN = 2;
const RST_ACK = 0x14;
const ACK = 0x10;

interface Segment {
  readonly source: number;
  readonly target: number;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly sequence: number;
  readonly flags: number;
  readonly payload: number;
}

/** A TCP segment in IPv4 in Ethernet, with the checksums that GRO asks for before it merges. */
export function tcpFrame(segment: Segment): Uint8Array {
  const { source, target, sourcePort, targetPort, sequence, flags, payload } = segment;
  const length = 20 + payload;
  const frame = new Uint8Array(14 + 20 + length);
  const view = new DataView(frame.buffer);
  frame.set([0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00]);
  view.setUint8(14, 0x45);
  view.setUint16(16, 20 + length);
  view.setUint16(20, 0x4000);
  view.setUint8(22, 64);
  view.setUint8(23, 6);
  view.setUint32(26, source);
  view.setUint32(30, target);
  view.setUint16(24, checksum(frame.subarray(14, 34)));
  view.setUint16(34, sourcePort);
  view.setUint16(36, targetPort);
  view.setUint32(38, sequence);
  view.setUint32(42, (flags & ACK) === 0 ? 0 : 1);
  view.setUint8(46, 0x50);
  view.setUint8(47, flags);
  view.setUint16(48, 65_535);
  frame.fill(0x61, 54);
  // Addresses, protocol and length count too.
  const pseudo = new Uint8Array(12 + length);
  pseudo.set(frame.subarray(26, 34));
  new DataView(pseudo.buffer).setUint32(8, (6 << 16) | length);
  pseudo.set(frame.subarray(34), 12);
  view.setUint16(50, checksum(pseudo));
  return frame;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A download without a gap: what GRO takes for one packet, in runs of up to 44. */
export const download = (segments: number, port: number): Uint8Array[] =>
  Array.from({ length: segments }, (_, index) =>
    tcpFrame({
      source: SERVER,
      target: CLIENT,
      sourcePort: 443,
      targetPort: port,
      sequence: 1 + index * 1448,
      flags: ACK,
      payload: 1448,
    }),
  );

/** Connections in which both sides talk, or one alone is seen; each side in its VLAN, where one is given. */
export const talk = (
  connections: number,
  { isOneSided = false, vlans = [] }: { isOneSided?: boolean; vlans?: readonly number[] } = {},
): Uint8Array[] =>
  Array.from({ length: connections }, (_, index) => {
    const common = { sequence: 1, flags: ACK, payload: 100 };
    const [client, server] = [30_000 + index, 443];
    const there = { source: CLIENT, target: SERVER, sourcePort: client, targetPort: server };
    const back = { source: SERVER, target: CLIENT, sourcePort: server, targetPort: client };
    const sides = isOneSided ? [there] : [there, back];
    return sides.map((side, at) => inVlan(tcpFrame({ ...side, ...common }), vlans[at]));
  }).flat();

/** The frame with a VLAN tag. */
function inVlan(frame: Uint8Array, id: number | undefined): Uint8Array {
  if (id === undefined) return frame;
  const tag = [0x81, 0, id >> 8, id & 0xff];
  return Uint8Array.from([...frame.subarray(0, 12), ...tag, ...frame.subarray(12)]);
}

/** Somebody tries the ports of a host, each of which says that it is closed. */
export const portScan = (ports: number, from = SCANNER): Uint8Array[] =>
  Array.from({ length: ports }, (_, index) => {
    const [scanner, port] = [40_000 + index, 1 + index];
    return [
      tcpFrame({
        ...{ source: from, target: CLIENT, sourcePort: scanner, targetPort: port },
        ...{ sequence: 1, flags: SYN, payload: 0 },
      }),
      tcpFrame({
        ...{ source: CLIENT, target: from, sourcePort: port, targetPort: scanner },
        ...{ sequence: 0, flags: RST_ACK, payload: 0 },
      }),
    ];
  }).flat();

/** The same with a wall in front of the host: nothing comes back. */
export const silentScan = (ports: number): Uint8Array[] =>
  portScan(ports, SILENT_SCANNER).filter((_, index) => index % 2 === 0);

export const SCANNER_TEXT = "203.0.113.7";
export const SILENT_SCANNER_TEXT = "203.0.113.9";
