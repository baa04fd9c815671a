// SPDX-License-Identifier: BSD-3-Clause
/**
 * What a flow record costs between meter and detectors: `bun run bench records`.
 *
 * The merge, for several numbers of records a second of event time, and the text form. CPU time of the process, the
 * best of some rounds; one variant a process.
 */
import { Batch } from "../src/core/batch.ts";
import { FLOWS } from "../src/core/flow/flows.ts";
import { Merge } from "../src/core/merge.ts";
import { type AnyReader, reader } from "../src/core/unirec/reader.ts";
import { TextWriter } from "../src/core/unirec/text-writer.ts";
import { RecordWriter } from "../src/core/unirec/writer.ts";

const RECORDS = 200_000;
const ROUNDS = 8;
const VARIANTS = ["merge 1000", "merge 50000", "merge 200000", "text"] as const;

function batches(): Batch[] {
  const writer = new RecordWriter(FLOWS);
  const out = [new Batch()];
  for (let i = 0; i < RECORDS; i++) {
    writer.begin().setAll({
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
    if (!out.at(-1)!.fits(writer.size)) out.push(new Batch());
    writer.end(out.at(-1)!);
  }
  return out;
}

/** A round over all records, as a function to be timed. */
function roundOf(variant: string): (records: readonly Batch[]) => void {
  if (variant === "text") {
    const cursor = reader(FLOWS) as AnyReader;
    const text = new TextWriter(() => {});
    return (records) => {
      for (const batch of records) {
        cursor.reset(batch);
        while (cursor.next()) text.record(cursor, FLOWS);
      }
    };
  }
  const perSecond = Number(variant.split(" ")[1]);
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
  const records = batches();
  const round = roundOf(variant);
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
