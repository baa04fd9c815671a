// SPDX-License-Identifier: BSD-3-Clause
/**
 * What it costs to compose a record: `bun run bench compose`.
 *
 * Ten fields by their setters, as a detector writes them, and the 17 fields of a flow from the record under a
 * cursor, as evidence and relays do; both from begin() to end(). CPU time of the process, the best of some rounds; one
 * variant a process.
 */
import { Batch } from "../src/core/batch.ts";
import { Address } from "../src/core/unirec/ip.ts";
import { type AnyReader, reader } from "../src/core/unirec/reader.ts";
import { template } from "../src/core/unirec/template.ts";
import { writer } from "../src/core/unirec/writer.ts";

const RECORDS = 1_000_000;
const ROUNDS = 12;
const VARIANTS = ["set 10 fields", "copy 17 fields", "copy 17 fields of 19"] as const;

/** 77 bytes. */
const TEN = template(
  "ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, time TIME_LAST, uint64 BYTES, uint64 BYTES_REV, uint64 LINK_BIT_FIELD, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL",
);
const FLOW =
  "ipaddr SRC_IP,ipaddr DST_IP,time TIME_FIRST,time TIME_LAST,uint64 BYTES,uint64 BYTES_REV,uint64 LINK_BIT_FIELD,uint32 PACKETS,uint32 PACKETS_REV,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint8 TCP_FLAGS,uint8 TCP_FLAGS_REV,uint8 DIR_BIT_FIELD,uint8 TOS,uint8 TTL";
const SEVENTEEN = template(FLOW);
/** Two fields more, which part the others into three runs. */
const NINETEEN = template(`${FLOW},uint64 FLOW_ID,uint16 IN_IFINDEX`);

/** Composes all records and gives the bytes it wrote. */
type Round = () => number;

function setTen(): Round {
  const made = writer(TEN);
  const batch = new Batch();
  const addresses = Array.from({ length: 256 }, (_, i) => new Address().setV4(0x0a00_0000 + i));
  return () => {
    let bytes = 0;
    batch.clear();
    for (let i = 0; i < RECORDS; i++) {
      // Numbers of all lengths, so that no branch is learnt by heart.
      const mixed = Math.imul(i, 0x9e37_79b1);
      made.begin();
      made.SRC_IP = addresses[mixed & 255]!;
      made.DST_IP = addresses[(mixed >>> 8) & 255]!;
      made.TIME_FIRST = 1.7e15 + i;
      made.TIME_LAST = 1.7e15 + (mixed >>> 0);
      made.BYTES = mixed >>> (i % 24);
      made.BYTES_REV = mixed >>> 16;
      made.LINK_BIT_FIELD = 1;
      made.SRC_PORT = mixed & 0xffff;
      made.DST_PORT = 443;
      made.PROTOCOL = 6;
      bytes += made.size;
      if (!batch.fits(made.size)) batch.clear();
      made.end(batch);
    }
    return bytes;
  };
}

function copyAll(source: typeof SEVENTEEN | typeof NINETEEN): Round {
  const filled = new Batch();
  const composed = writer(source as typeof SEVENTEEN);
  for (let i = 0; filled.fits(composed.size); i++) {
    composed.begin().setAll({ SRC_IP: `10.0.0.${i & 255}`, TIME_FIRST: 1.7e15 + i, BYTES: i * i });
    composed.end(filled);
  }
  const made = writer(SEVENTEEN);
  const cursor = reader(source as typeof SEVENTEEN) as AnyReader;
  const batch = new Batch();
  return () => {
    let bytes = 0;
    for (let left = RECORDS; left > 0; ) {
      cursor.reset(filled);
      batch.clear();
      for (; left > 0 && cursor.next(); left--) {
        made.begin().copyFrom(cursor);
        bytes += made.size;
        if (!batch.fits(made.size)) batch.clear();
        made.end(batch);
      }
    }
    return bytes;
  };
}

const ROUND: Readonly<Record<(typeof VARIANTS)[number], () => Round>> = {
  "set 10 fields": setTen,
  "copy 17 fields": () => copyAll(SEVENTEEN),
  "copy 17 fields of 19": () => copyAll(NINETEEN),
};

function measure(round: Round, size: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage();
    const bytes = round();
    const { user, system } = process.cpuUsage(before);
    if (bytes !== RECORDS * size) throw new Error(`${bytes} bytes, expected ${RECORDS * size}`);
    best = Math.min(best, ((user + system) * 1000) / RECORDS);
  }
  return best;
}

const chosen = VARIANTS.find((variant) => variant === process.argv[2]);
if (chosen === undefined) {
  for (const variant of VARIANTS) {
    const { stdout } = Bun.spawnSync([process.execPath, import.meta.path, variant]);
    console.log(`${variant.padEnd(20)} ${Number(stdout).toFixed(1).padStart(6)} ns a record`);
  }
} else {
  const { fixedSize } = chosen === "set 10 fields" ? TEN : SEVENTEEN;
  console.log(measure(ROUND[chosen](), fixedSize));
}
