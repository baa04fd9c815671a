// SPDX-License-Identifier: BSD-3-Clause

/** What the original's decision tree looks at: integers. */
export interface Traits {
  /** Packets a minute, -1 when there is too little time to tell. */
  readonly ppm: number;
  /** Bytes a packet, packets a flow. */
  readonly bpp: number;
  readonly ppf: number;
  /** Percentages of the flows: with ACK or ACK and PSH alone, with SYN, RST, FIN, from a higher port to a lower. */
  readonly ack: number;
  readonly syn: number;
  readonly rst: number;
  readonly fin: number;
  readonly req: number;
}

/** Above the first number, up to the second. */
type Range = readonly [low: number, high: number];
type Leaf = { readonly [Trait in keyof Traits]?: Range };

const upTo = (high: number): Range => [Number.NEGATIVE_INFINITY, high];
const above = (low: number): Range => [low, Number.POSITIVE_INFINITY];
const between = (low: number, high: number): Range => [low, high];

/** The leaves that say yes. */
const LEAVES: readonly Leaf[] = [
  {
    ppm: upTo(1),
    bpp: upTo(54),
    ppf: upTo(1),
    ack: above(95),
    syn: upTo(1),
    rst: upTo(1),
    fin: upTo(7),
  },
  {
    ppm: between(4, 5),
    bpp: upTo(54),
    ppf: upTo(1),
    ack: between(97, 99),
    syn: upTo(1),
    rst: upTo(1),
    fin: upTo(0),
  },
  {
    ppm: between(1, 5),
    bpp: upTo(54),
    ppf: upTo(1),
    ack: above(99),
    syn: upTo(1),
    rst: upTo(1),
    fin: upTo(0),
  },
  {
    ppm: upTo(5),
    bpp: upTo(54),
    ppf: upTo(1),
    ack: above(86),
    syn: above(1),
    rst: upTo(1),
    fin: between(6, 7),
  },
  {
    ppm: between(5, 12),
    bpp: upTo(55),
    ppf: between(1, 2),
    ack: between(86, 93),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(3),
  },
  {
    ppm: upTo(6),
    bpp: upTo(43),
    ppf: between(1, 2),
    ack: between(93, 99),
    syn: upTo(6),
    rst: upTo(0),
    fin: between(0, 3),
  },
  {
    ppm: upTo(6),
    bpp: between(43, 52),
    ppf: between(1, 2),
    ack: between(93, 99),
    syn: upTo(0),
    rst: upTo(0),
    fin: between(0, 3),
  },
  {
    ppm: upTo(6),
    bpp: upTo(52),
    ppf: between(1, 2),
    ack: above(99),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(3),
  },
  {
    ppm: upTo(3),
    bpp: between(52, 55),
    ppf: between(1, 2),
    ack: above(97),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(3),
  },
  {
    ppm: between(3, 12),
    bpp: between(52, 54),
    ppf: between(1, 2),
    ack: between(93, 98),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(3),
  },
  {
    ppm: between(3, 12),
    bpp: between(54, 55),
    ppf: between(1, 2),
    ack: between(93, 94),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(3),
  },
  {
    ppm: between(4, 8),
    bpp: between(55, 56),
    ppf: between(1, 2),
    ack: between(86, 94),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(7),
  },
  {
    ppm: between(4, 8),
    bpp: between(56, 59),
    ppf: between(1, 2),
    ack: between(86, 89),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(7),
  },
  {
    ppm: between(1, 8),
    bpp: between(55, 59),
    ppf: between(1, 2),
    ack: above(99),
    syn: upTo(6),
    rst: upTo(0),
    fin: upTo(7),
  },
  {
    ppm: upTo(12),
    bpp: upTo(40),
    ppf: between(1, 2),
    ack: between(86, 96),
    syn: upTo(6),
    rst: between(0, 1),
    fin: upTo(7),
  },
  {
    ppm: between(6, 12),
    bpp: between(40, 56),
    ppf: between(1, 2),
    ack: between(86, 96),
    syn: upTo(6),
    rst: between(0, 1),
    fin: upTo(7),
  },
  {
    ppm: between(3, 5),
    bpp: upTo(59),
    ppf: between(2, 3),
    ack: above(99),
    rst: upTo(1),
    fin: upTo(7),
  },
  {
    ppm: between(2, 4),
    bpp: between(59, 70),
    ppf: between(1, 3),
    ack: above(99),
    syn: upTo(91),
    rst: upTo(1),
    fin: upTo(1),
  },
  {
    ppm: between(2, 4),
    bpp: between(59, 70),
    ppf: between(1, 3),
    syn: above(91),
    rst: upTo(1),
    fin: upTo(1),
  },
  {
    ppm: between(6, 10),
    bpp: between(57, 58),
    ppf: between(3, 8),
    ack: above(99),
    rst: upTo(1),
    fin: upTo(7),
  },
  {
    ppm: between(6, 10),
    bpp: between(57, 67),
    ppf: between(8, 10),
    ack: above(99),
    rst: upTo(1),
    fin: upTo(7),
  },
  { ppm: upTo(12), bpp: upTo(70), ppf: above(5), syn: upTo(2), rst: above(1), fin: upTo(97) },
  { ppm: upTo(12), bpp: upTo(70), ppf: above(6), rst: above(1), fin: above(97) },
  { ppm: upTo(70), bpp: above(70), req: upTo(75) },
  { ppm: between(70, 135), bpp: above(105), ack: above(99) },
  { ppm: above(135), bpp: between(103, 108), ppf: upTo(230) },
];

const NAMES = ["ppm", "bpp", "ppf", "ack", "syn", "rst", "fin", "req"] as const;

/** Whether the original's tree takes it for a miner. Compat mode only. */
export const treeSaysMiner = (traits: Traits): boolean =>
  LEAVES.some((leaf) =>
    NAMES.every((name) => {
      const range = leaf[name];
      return !range || (traits[name] > range[0] && traits[name] <= range[1]);
    }),
  );
