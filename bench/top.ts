// SPDX-License-Identifier: BSD-3-Clause
/**
 * What a flow record costs in the list of the heaviest: `bun run bench top`.
 *
 * Flows of an office, of which one address in a few does most; the same where every flow comes from a new address to a
 * new port, so that each record drops others; and a look at the list of five full minutes. CPU time of the process, the
 * best of some rounds; one variant a process.
 */
import { Batch } from "../src/core/batch.ts";
import { FLOWS } from "../src/core/flow/flows.ts";
import { FlowTop } from "../src/core/flow/top.ts";
import { RecordWriter } from "../src/core/unirec/writer.ts";

/** Few enough to stay in the cache, as a batch does that was just filled. */
const RECORDS = 20_000;
const PASSES = 10;
const ROUNDS = 12;
const VIEWS = 20;
const VARIANTS = ["office", "flood", "view"] as const;
type Variant = (typeof VARIANTS)[number];
const SERVICES = [443, 53, 80, 445, 22, 25];

const mixed = (i: number): number => Math.imul(i ^ (i >>> 15), 0x85eb_ca6b) >>> 0;
const v4 = (word: number): string =>
  `${10 + (word >>> 28)}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;

/** A client of 200 and a server of 1,200, squared so that some are far busier than others; a sixth of each of IPv6. */
function officeFlow(i: number): Record<string, number | string> {
  const word = mixed(i);
  const server = Math.floor(((word & 0xffff) / 0x10000) ** 2 * 1200);
  const client = word % 200;
  return {
    SRC_IP: client % 6 === 0 ? `2001:db8::1:${client.toString(16)}` : v4(client),
    DST_IP: server % 6 === 0 ? `2001:db8::2:${server.toString(16)}` : v4(0xffff_0000 + server),
    DST_PORT: SERVICES[(word >>> 8) % SERVICES.length]!,
  };
}

const floodFlow = (i: number): Record<string, number | string> => ({
  SRC_IP: v4(mixed(i)),
  DST_IP: v4(mixed(~i)),
  DST_PORT: mixed(i) & 0xffff,
});

function batches(variant: Variant): Batch[] {
  const writer = new RecordWriter(FLOWS);
  const out = [new Batch()];
  for (let i = 0; i < RECORDS; i++) {
    const ends = variant === "office" ? officeFlow(i) : floodFlow(i);
    const sums = { PACKETS: 5, PACKETS_REV: 4, BYTES: 1234, BYTES_REV: mixed(i) % 50_000 };
    writer.begin().setAll({ ...ends, ...sums, PROTOCOL: 6 });
    if (!out.at(-1)!.fits(writer.size)) out.push(new Batch());
    writer.end(out.at(-1)!);
  }
  return out;
}

/** Nanoseconds of CPU time a turn of `work`, which takes `turns` of them. */
function cost(turns: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1000) / turns);
  }
  return best;
}

function measure(variant: Variant): number {
  const top = new FlowTop();
  top.announce(FLOWS);
  const records = batches(variant);
  let minute = 0;
  const fill = (): void => {
    for (let i = 0; i < PASSES; i++) for (const batch of records) top.receive(batch);
    top.advance(++minute * 60e6);
  };
  if (variant !== "view") return cost(RECORDS * PASSES, fill);
  for (let i = 0; i < 5; i++) fill();
  return cost(VIEWS, () => {
    for (let i = 0; i < VIEWS; i++) top.view(10);
  });
}

const chosen = VARIANTS.find((variant) => variant === process.argv[2]);
if (chosen === undefined) {
  for (const variant of VARIANTS) {
    const { stdout } = Bun.spawnSync([process.execPath, import.meta.path, variant]);
    const unit = variant === "view" ? "ns a view" : "ns a record";
    console.log(`${variant.padEnd(8)} ${Number(stdout).toFixed(0).padStart(9)} ${unit}`);
  }
} else console.log(measure(chosen));
