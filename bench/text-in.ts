// SPDX-License-Identifier: BSD-3-Clause
/**
 * What a flow record of 14 fields costs on its way in from text: `bun run bench text-in`.
 *
 * `lines` only cuts the bytes into lines, `record` reads each into a record, `batch` puts it into a batch too, `file`
 * does all of it from a file, `string` takes each line as a string. CPU time of the process, the best of some rounds;
 * one variant a process.
 */
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { Batch } from "../src/core/batch.ts";
import { LineSplitter } from "../src/core/unirec/line-splitter.ts";
import { TextReader } from "../src/core/unirec/text-reader.ts";
import { timeText } from "../src/core/unirec/time.ts";

const RECORDS = 200_000;
const ROUNDS = 8;
const CHUNK = 1 << 16;
const VARIANTS = ["lines", "record", "batch", "file", "string"] as const;
const FILE = `${import.meta.dir}/../.cache/bench/text-in-${process.pid}.csv`;
const HEADER =
  "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,uint64 LINK_BIT_FIELD,time TIME_FIRST,time TIME_LAST," +
  "uint32 PACKETS,uint16 DST_PORT,uint16 SRC_PORT,uint8 DIR_BIT_FIELD,uint8 PROTOCOL,uint8 TCP_FLAGS," +
  "uint8 TOS,uint8 TTL";

/** Lines whose numbers are as long as those of traffic are. */
function lines(): string[] {
  return Array.from({ length: RECORDS }, (_, i) => {
    const first = timeText(1.7e15 + i * 1000 + ((i * 7919) % 1_000_000));
    const last = timeText(1.7e15 + i * 1000 + ((i * 104_729) % 60_000_000));
    const source = `10.${(i * 31) & 255}.${(i >> 8) & 255}.${i & 255}`;
    const bytes = (i * 48_271) % 2_000_000;
    const ports = `${i & 1 ? 443 : 53},${1024 + ((i * 7919) % 64_000)}`;
    return `192.0.2.${(i * 7) & 255},${source},${bytes},1,${first},${last},${1 + (i % 900)},${ports},0,${i & 1 ? 6 : 17},${i & 31},0,64`;
  });
}

/** A round over all lines, as a function to be timed. */
function roundOf(variant: string): () => void {
  const text = new TextReader(HEADER);
  const writer = text.writer();
  const all = lines();
  if (variant === "string") {
    return () => {
      for (const line of all) text.read(line, writer);
    };
  }
  const batch = new Batch();
  let seen = 0;
  const splitter = new LineSplitter((bytes, from, to) => {
    seen += to - from;
    if (variant === "lines") return;
    text.readBytes(bytes, from, to, writer);
    if (variant === "record") return;
    if (!batch.fits(writer.size)) batch.clear();
    writer.end(batch);
  });
  const bytes = new TextEncoder().encode(`${all.join("\n")}\n`);
  const expected = bytes.length - RECORDS;
  const check = (): void => {
    if (seen !== expected) throw new Error(`${seen} bytes of lines, not ${expected}`);
    seen = 0;
  };
  if (variant !== "file") {
    return () => {
      for (let at = 0; at < bytes.length; at += CHUNK)
        splitter.push(bytes.subarray(at, at + CHUNK));
      check();
    };
  }
  mkdirSync(`${import.meta.dir}/../.cache/bench`, { recursive: true });
  writeFileSync(FILE, bytes);
  const chunk = new Uint8Array(new ArrayBuffer(CHUNK));
  return () => {
    const fd = openSync(FILE, "r");
    for (;;) {
      const size = readSync(fd, chunk, 0, CHUNK, null);
      if (size === 0) break;
      splitter.push(chunk.subarray(0, size));
    }
    closeSync(fd);
    check();
  };
}

function measure(variant: string): number {
  const round = roundOf(variant);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage();
    round();
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
} else {
  console.log(measure(chosen));
  if (chosen === "file") await Bun.file(FILE).unlink();
}
