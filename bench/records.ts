// SPDX-License-Identifier: BSD-3-Clause
/**
 * What a flow record costs between meter and detectors: `bun run bench records`.
 *
 * The merge, for several numbers of records a second of event time, and the text form: of the meter's flows, and of
 * the 14 fields of a NEMEA probe's basic flow. CPU time of the process, the best of some rounds; one variant a process.
 */
import { Batch } from "../src/core/batch.ts";
import { FLOWS } from "../src/core/flow/flows.ts";
import { Merge } from "../src/core/merge.ts";
import { type AnyReader, reader } from "../src/core/unirec/reader.ts";
import { parseTemplate, type Template } from "../src/core/unirec/template.ts";
import { TextWriter } from "../src/core/unirec/text-writer.ts";
import { RecordWriter } from "../src/core/unirec/writer.ts";

const RECORDS = 200_000;
const ROUNDS = 8;
const VARIANTS = ["merge 1000", "merge 50000", "merge 200000", "text", "text 14"] as const;

const BASIC = parseTemplate(
  "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,uint64 LINK_BIT_FIELD,time TIME_FIRST,time TIME_LAST,uint32 PACKETS,uint16 DST_PORT,uint16 SRC_PORT,uint8 DIR_BIT_FIELD,uint8 PROTOCOL,uint8 TCP_FLAGS,uint8 TOS,uint8 TTL",
);

type Row = Readonly<Record<string, number | string>>;

function batches(template: Template, rowOf: (i: number) => Row): Batch[] {
  const writer = new RecordWriter(template);
  const out = [new Batch()];
  for (let i = 0; i < RECORDS; i++) {
    writer.begin().setAll(rowOf(i));
    if (!out.at(-1)!.fits(writer.size)) out.push(new Batch());
    writer.end(out.at(-1)!);
  }
  return out;
}

const flow = (i: number): Row => ({
  SRC_IP: `10.0.${(i >> 8) & 255}.${i & 255}`,
  DST_IP: "192.0.2.1",
  SRC_PORT: i & 0xffff,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 5,
  PACKETS_REV: 4,
  BYTES: 1234,
  BYTES_REV: 45_678,
  TIME_FIRST: 1.7e15 + ((i * 7919) % 1_000_000),
  TIME_LAST: 1.7e15 + ((i * 104_729) % 1_000_000),
  TCP_FLAGS: 27,
});

/** Addresses, counts and ports of all lengths, so that no branch is learnt by heart. */
function basicFlow(i: number): Row {
  const mixed = Math.imul(i, 0x9e37_79b1) >>> 0;
  return {
    SRC_IP: `10.${mixed & 255}.${(mixed >>> 8) & 255}.${(mixed >>> 16) & 255}`,
    DST_IP: `${192 - (mixed >>> 28)}.${(mixed >>> 12) & 255}.2.${(mixed >>> 20) & 255}`,
    BYTES: mixed >>> (i % 24),
    LINK_BIT_FIELD: 1,
    TIME_FIRST: 1.7e15 + i * 5 + (mixed % 1000),
    TIME_LAST: 1.7e15 + i * 5 + (mixed % 1_000_000),
    PACKETS: 1 + (mixed % 1000),
    DST_PORT: i & 1 ? 443 : 53,
    SRC_PORT: mixed & 0xffff,
    DIR_BIT_FIELD: 0,
    PROTOCOL: i & 1 ? 6 : 17,
    TCP_FLAGS: i & 1 ? 27 : 0,
    TOS: 0,
    TTL: 64,
  };
}

/** The records of a variant, and a round over all of them as a function to be timed. */
function work(variant: string): { records: Batch[]; round: (records: readonly Batch[]) => void } {
  if (variant === "text") return { records: batches(FLOWS, flow), round: textRound(FLOWS) };
  if (variant === "text 14") return { records: batches(BASIC, basicFlow), round: textRound(BASIC) };
  const perSecond = Number(variant.split(" ")[1]);
  return { records: batches(FLOWS, flow), round: mergeRound(perSecond) };
}

function textRound(template: Template): (records: readonly Batch[]) => void {
  const cursor = reader(template) as AnyReader;
  const text = new TextWriter(() => {});
  return (records) => {
    for (const batch of records) {
      cursor.reset(batch);
      while (cursor.next()) text.record(cursor, template);
    }
  };
}

function mergeRound(perSecond: number): (records: readonly Batch[]) => void {
  const merge = new Merge(FLOWS);
  merge.flows.link({ receive: () => {}, advance: () => {}, end: () => {} });
  const input = merge.input();
  let second = 0;
  return (records) => {
    let held = 0;
    for (const batch of records) {
      input.receive(batch);
      held += batch.count;
      if (held < perSecond) continue;
      held = 0;
      input.advance(++second);
    }
    input.advance(++second);
  };
}

function measure(variant: string): number {
  const { records, round } = work(variant);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage();
    round(records);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1000) / RECORDS);
  }
  return best;
}

const [chosen] = process.argv.slice(2);
if (chosen === undefined) {
  for (const variant of VARIANTS) {
    const { stdout } = Bun.spawnSync([process.execPath, import.meta.path, variant]);
    console.log(`${variant.padEnd(14)} ${Number(stdout).toFixed(0).padStart(5)} ns a record`);
  }
} else console.log(measure(chosen));
