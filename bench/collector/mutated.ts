// SPDX-License-Identifier: BSD-3-Clause
/** Damaged datagrams by the million, from a seed, with good ones of another exporter beside them. @module */
import { readdirSync, readFileSync } from "node:fs";
import { FLOWS } from "../../src/core/flow/flows.ts";
import { FlowCollector } from "../../src/core/ipfix/collect/flow-collector.ts";
import {
  bytesOf,
  exporterOf,
  ipfix,
  netflow9,
  optionsTemplate,
  set,
  template,
} from "../../src/core/ipfix/collect/testing/messages.ts";
import { hasShared, sharedPath } from "../../src/core/testing/shared.ts";
import { writer } from "../../src/core/unirec/writer.ts";
import { Random } from "../capture/random.ts";
import { RECORDS, Stream } from "./stream.ts";

const DATAGRAMS = "corpus/netflow/logstash/dat";
/** Exporters that the damaged ones come from. */
const ADDRESSES = 64;
/** A good datagram after so many damaged ones. */
const EVERY = 10;
/** Milliseconds that a datagram may take; one that took more is tried again by itself. */
const SLOW_MS = 5;
const TRIES = 20;

/** What is damaged: real exporters' datagrams where the shared folder is there, and made ones. */
function originals(): Uint8Array[] {
  const stream = new Stream(1);
  const variable = template(300, [
    [371, 65_535],
    [7, 2],
    [1, 8, 29_305],
    [291, 65_535],
  ]);
  const made = [
    stream.data,
    stream.announcement(1),
    new Uint8Array(
      ipfix([set(2, variable), set(300, bytesOf([2, 1], [0x6162, 2], [80, 2], [9, 8], [0, 1]))])
        .buffer,
    ),
    new Uint8Array(
      ipfix([
        set(
          3,
          optionsTemplate(301, 1, [
            [149, 4],
            [34, 4],
          ]),
        ),
        set(301, bytesOf([0, 4], [100, 4])),
      ]).buffer,
    ),
    new Uint8Array(
      netflow9([
        set(
          0,
          template(302, [
            [8, 4],
            [12, 4],
            [21, 4],
            [22, 4],
          ]),
        ),
      ]).buffer,
    ),
  ];
  const real = hasShared(DATAGRAMS)
    ? readdirSync(sharedPath(DATAGRAMS))
        .sort()
        .map((name) => new Uint8Array(readFileSync(sharedPath(DATAGRAMS, name))))
    : [];
  return [...made, ...real];
}

/** A copy with a few bytes changed, lengths made nonsense, or an end that is missing or belongs to another. */
function damaged(all: readonly Uint8Array[], random: Random): Uint8Array {
  const original = all[random.below(all.length)]!;
  let bytes = original.slice();
  for (let changes = random.below(8); changes > 0; changes--)
    bytes[random.below(bytes.length)] = random.below(256);
  const kind = random.below(8);
  if (kind === 0) bytes = bytes.slice(0, random.below(bytes.length + 1));
  if (kind === 1) {
    const other = all[random.below(all.length)]!;
    const cut = random.below(Math.min(bytes.length, other.length));
    bytes = Uint8Array.from([...bytes.subarray(0, cut), ...other.subarray(cut)]);
  }
  if (kind === 2 && bytes.length > 4) {
    const at = random.below(bytes.length - 1);
    const value = [0, 1, 4, 0x7fff, 0x8000, 0xffff][random.below(6)]!;
    bytes[at] = value >>> 8;
    bytes[at + 1] = value & 255;
  }
  return bytes;
}

/** Run it and say how it went: whether all good records came, and nothing was slow. */
export function mutated(count: number, seed: number): boolean {
  const random = new Random(seed);
  const all = originals();
  const record = writer(FLOWS);
  let pushed = 0;
  const collector = new FlowCollector({ record, push: () => pushed++ });
  const good = exporterOf("198.51.100.1");
  const stream = new Stream(9);
  const announcement = stream.announcement(0);
  const viewOf = (bytes: Uint8Array): DataView =>
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const addresses = Array.from({ length: ADDRESSES }, (_, i) => exporterOf(`192.0.2.${i}`));
  collector.message(viewOf(announcement), good);
  let [wrong, slow, slowest] = [0, 0, 0];
  const before = process.memoryUsage().rss;
  for (let i = 1; i <= count; i++) {
    const bytes = damaged(all, random);
    const exporter = addresses[random.below(ADDRESSES)]!;
    const began = performance.now();
    collector.message(viewOf(bytes), exporter);
    const took = performance.now() - began;
    if (took > SLOW_MS) {
      const again = least(() => collector.message(viewOf(bytes), exporter));
      if (again > SLOW_MS) slow++;
      slowest = Math.max(slowest, again);
    }
    if (i % EVERY !== 0) continue;
    stream.stamp(i / EVERY);
    const had = pushed;
    collector.message(viewOf(stream.data), good);
    if (pushed - had !== RECORDS) wrong++;
  }
  const { counts, templates, held } = collector.decoder;
  const megabytes = (process.memoryUsage().rss - before) / 2 ** 20;
  console.log(
    `${count} damaged datagrams of ${all.length} originals, seed ${seed}: 0 thrown, ${wrong} good datagrams wrong of ${Math.floor(count / EVERY)}, ${slow} slow (the slowest again took ${slowest.toFixed(2)} ms)`,
  );
  console.log(
    `${pushed} flows, ${counts.malformed} malformed, ${counts.foreign} foreign, ${templates.size} templates, ${templates.evicted} evicted, ${held.dropped} sets without template; memory +${megabytes.toFixed(0)} MB`,
  );
  return wrong === 0 && slow === 0;
}

function least(act: () => void): number {
  let milliseconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES; i++) {
    const began = performance.now();
    act();
    milliseconds = Math.min(milliseconds, performance.now() - began);
  }
  return milliseconds;
}
