// SPDX-License-Identifier: BSD-3-Clause
/**
 * NetFlow v1, v5 and v7, whose records have one layout each, as templates: so the rest need not know them.
 * Layouts: Cisco, "NetFlow Export Datagram Format" (tables B-1 to B-6).
 * @module
 */
import { WireTemplate } from "./wire-template.ts";

export interface FixedFormat {
  readonly template: WireTemplate;
  readonly headerBytes: number;
  readonly recordsMax: number;
  readonly hasSequence: boolean;
  /** Whether the header names the engine and the sampling interval. */
  readonly hasEngine: boolean;
}

/** Numbers of NetFlow v9's fields. */
const F = {
  bytes: 1,
  packets: 2,
  protocol: 4,
  tos: 5,
  flags: 6,
  sourcePort: 7,
  source: 8,
  sourceMask: 9,
  input: 10,
  targetPort: 11,
  target: 12,
  targetMask: 13,
  output: 14,
  nextHop: 15,
  sourceAs: 16,
  targetAs: 17,
  last: 21,
  first: 22,
  padding: 210,
} as const;

type Layout = readonly (readonly [number: number, bytes: number])[];

/** What all begin with, and the ports. */
const HEAD: Layout = [
  [F.source, 4],
  [F.target, 4],
  [F.nextHop, 4],
  [F.input, 2],
  [F.output, 2],
  [F.packets, 4],
  [F.bytes, 4],
  [F.first, 4],
  [F.last, 4],
  [F.sourcePort, 2],
  [F.targetPort, 2],
];
const AS: Layout = [
  [F.sourceAs, 2],
  [F.targetAs, 2],
  [F.sourceMask, 1],
  [F.targetMask, 1],
];
const V1: Layout = [
  ...HEAD,
  [F.padding, 2],
  [F.protocol, 1],
  [F.tos, 1],
  [F.flags, 1],
  [F.padding, 7],
];
/** What NetFlow v5 and v7 have alike. */
const WITH_AS: Layout = [...HEAD, [F.padding, 1], [F.flags, 1], [F.protocol, 1], [F.tos, 1], ...AS];
const V5: Layout = [...WITH_AS, [F.padding, 2]];
/** The last 4 bytes are the router that the switch spared the work. */
const V7: Layout = [...WITH_AS, [F.padding, 6]];

function templateOf(layout: Layout): WireTemplate {
  const specs = new Uint8Array(layout.length * 4);
  const view = new DataView(specs.buffer);
  for (const [i, [number, bytes]] of layout.entries()) {
    view.setUint16(i * 4, number);
    view.setUint16(i * 4 + 2, bytes);
  }
  return new WireTemplate({
    id: 0,
    dialect: "netflow",
    fieldCount: layout.length,
    scopeCount: 0,
    isOptions: false,
    specs: Buffer.from(specs).toString("latin1"),
  });
}

/** The formats by version, with templates of their own. */
export const fixedFormats = (): Readonly<Record<number, FixedFormat>> => ({
  1: {
    template: templateOf(V1),
    headerBytes: 16,
    recordsMax: 24,
    hasSequence: false,
    hasEngine: false,
  },
  5: {
    template: templateOf(V5),
    headerBytes: 24,
    recordsMax: 30,
    hasSequence: true,
    hasEngine: true,
  },
  7: {
    template: templateOf(V7),
    headerBytes: 24,
    recordsMax: 28,
    hasSequence: true,
    hasEngine: false,
  },
});
