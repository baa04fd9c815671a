// SPDX-License-Identifier: BSD-3-Clause

/** A frame's layers, from the outside; the addresses of the packet inside are numbers. */
export interface FrameShape {
  readonly source?: number;
  readonly target?: number;
  readonly sourcePort?: number;
  readonly targetPort?: number;
  /** What stands between the MAC addresses and the IP header, ethertype of IP included. */
  readonly between?: readonly number[];
  readonly version?: 4 | 6;
  /** Of IPv4: offset of a fragment in units of 8 bytes, and whether more follow. */
  readonly fragment?: { readonly offset: number; readonly more: boolean };
  readonly payload?: number;
}

export const TAGS = {
  none: [],
  customer: [0x81, 0x00, 0x20, 0x05],
  service: [0x88, 0xa8, 0x00, 0x07, 0x81, 0x00, 0x00, 0x05],
} as const;

/** A UDP datagram in Ethernet; checksums are left out, nobody checks them before a capture. */
export function udpFrame({
  source = 0x0a000001,
  target = 0x0a000002,
  sourcePort = 1024,
  targetPort = 53,
  between = [],
  version = 4,
  fragment,
  payload = 20,
}: FrameShape = {}): Uint8Array {
  const type = version === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  // Behind PPPoE and MPLS stands no ethertype: the shape brings its own.
  const link = [...between, ...(endsItself(between) ? [] : type)];
  const start = 12 + link.length;
  const ipSize = version === 4 ? 20 : 40;
  const frame = new Uint8Array(new ArrayBuffer(start + ipSize + 8 + payload));
  const view = new DataView(frame.buffer);
  frame.fill(0x02, 0, 12);
  frame.set(link, 12);
  if (version === 4) {
    view.setUint8(start, 0x45);
    view.setUint16(start + 2, 28 + payload);
    if (fragment) view.setUint16(start + 6, fragment.offset | (fragment.more ? 0x2000 : 0));
    view.setUint8(start + 8, 64);
    view.setUint8(start + 9, 17);
    view.setUint32(start + 12, source);
    view.setUint32(start + 16, target);
  } else {
    view.setUint8(start, 0x60);
    view.setUint16(start + 4, 8 + payload);
    view.setUint8(start + 6, 17);
    view.setUint32(start + 20, source);
    view.setUint32(start + 36, target);
  }
  view.setUint16(start + ipSize, sourcePort);
  view.setUint16(start + ipSize + 2, targetPort);
  view.setUint16(start + ipSize + 4, 8 + payload);
  return frame;
}

const MPLS_OR_PPPOE = new Set([0x8847, 0x8864]);

const endsItself = (between: readonly number[]): boolean =>
  MPLS_OR_PPPOE.has(((between[0] ?? 0) << 8) | (between[1] ?? 0));
