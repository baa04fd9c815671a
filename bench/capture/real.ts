// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PcapWriter } from "./pcap-writer.ts";
import { Random } from "./random.ts";
import { findIp, readdress } from "./readdress.ts";
import { walkCapture } from "./walk.ts";

export interface RealParams {
  /** The file is written in whole copies of the corpus until it has this many bytes. */
  readonly sizeMin: number;
  /** Microseconds: a longer silence inside a file is cut to this, for some files span years. */
  readonly gapMax: number;
  readonly seed: number;
}

export interface RealTruth {
  packets: number;
  /** Packets of the corpus, each of them once a copy. */
  corpusPackets: number;
  copies: number;
  files: number;
}

const ETHERNET = 1;
const SOURCES = ["pcap/flowtest/", "pcap/ipfixprobe/", "labelled/"];
const SNAPSHOT_LENGTH = 262_144;
const START_MICROSECONDS = 1_700_000_000e6;
/** Copies start this far apart, in microseconds, so that they overlap without marching in step. */
const COPY_SHIFT = 1_000_003;

/** The Ethernet captures of the corpus, as its manifest lists them. */
const corpusFiles = (shared: string): string[] => {
  const manifest = join(shared, "corpus", "MANIFEST.tsv");
  if (!existsSync(manifest)) {
    throw new Error(`${manifest}: not found; set NEMEAN_SHARED to the folder that holds corpus/`);
  }
  const files: string[] = [];
  for (const line of readFileSync(manifest, "utf8").split("\n")) {
    const [path = "", , , , , facts = ""] = line.split("\t");
    const wanted = SOURCES.some((source) => path.startsWith(source));
    if (wanted && facts.includes("link=ether ")) files.push(join(shared, "corpus", path));
  }
  return files;
};

/** The frames of all files in columns, sorted by their time since their own file's first frame. */
interface Corpus {
  readonly bytes: Uint8Array;
  readonly offset: Float64Array;
  readonly captured: Uint32Array;
  readonly length: Uint32Array;
  /** Microseconds since the start of the frame's file. */
  readonly time: Float64Array;
}

interface Entry {
  readonly file: Uint8Array;
  readonly offset: number;
  readonly captured: number;
  readonly length: number;
  readonly time: number;
}

const readEntries = (files: readonly string[], gapMax: number): Entry[] => {
  const entries: Entry[] = [];
  for (const path of files) {
    const file = new Uint8Array(readFileSync(path));
    let latest = -1;
    let elapsed = 0;
    const known = walkCapture(file, (frame) => {
      if (frame.linkType !== ETHERNET) return;
      // A frame older than one before it takes that one's time, so the file's order is kept.
      if (latest >= 0 && frame.time > latest) elapsed += Math.min(frame.time - latest, gapMax);
      latest = Math.max(latest, frame.time);
      const { offset, captured, length } = frame;
      entries.push({ file, offset, captured, length, time: elapsed });
    });
    if (!known) throw new Error(`${path}: neither pcap nor pcapng`);
  }
  // A stable sort: equal times keep the order of their file.
  return entries.sort((a, b) => a.time - b.time);
};

const loadCorpus = (files: readonly string[], gapMax: number): Corpus => {
  const entries = readEntries(files, gapMax);
  const corpus: Corpus = {
    bytes: new Uint8Array(entries.reduce((sum, entry) => sum + entry.captured, 0)),
    offset: new Float64Array(entries.length),
    captured: new Uint32Array(entries.length),
    length: new Uint32Array(entries.length),
    time: new Float64Array(entries.length),
  };
  let used = 0;
  for (const [i, entry] of entries.entries()) {
    corpus.bytes.set(entry.file.subarray(entry.offset, entry.offset + entry.captured), used);
    corpus.offset[i] = used;
    corpus.captured[i] = entry.captured;
    corpus.length[i] = entry.length;
    corpus.time[i] = entry.time;
    used += entry.captured;
  }
  return corpus;
};

/** The copy whose next frame is the earliest, or -1 when all are written. A few dozen: a scan does. */
const earliestCopy = (next: Float64Array): number => {
  let best = -1;
  let time = Number.POSITIVE_INFINITY;
  for (let copy = 0; copy < next.length; copy++) {
    if (next[copy]! >= time) continue;
    time = next[copy]!;
    best = copy;
  }
  return best;
};

/**
 * Merges the corpus' Ethernet captures, rebased to one start, and repeats the result in copies with
 * addresses of their own until the file has `sizeMin` bytes. Frames keep their captured length.
 *
 * @returns what was written, and the size of the file in bytes
 */
export const writeReal = (
  path: string,
  params: RealParams,
  shared: string,
): { truth: RealTruth; size: number } => {
  const files = corpusFiles(shared);
  const corpus = loadCorpus(files, params.gapMax);
  const frames = corpus.time.length;
  const copies = Math.ceil(params.sizeMin / (corpus.bytes.length + 16 * frames));
  const random = new Random(params.seed);
  // The first copy keeps the corpus' own addresses.
  const keys = Uint32Array.from({ length: copies }, (_, copy) => (copy === 0 ? 0 : random.bits()));
  const position = new Uint32Array(copies);
  const next = Float64Array.from({ length: copies }, (_, copy) => copy * COPY_SHIFT);
  const source = new DataView(corpus.bytes.buffer);
  const ips = Float64Array.from({ length: frames }, (_, i) =>
    findIp(source, corpus.offset[i]!, corpus.offset[i]! + corpus.captured[i]!),
  );
  const writer = new PcapWriter(path, SNAPSHOT_LENGTH);
  let packets = 0;
  for (let copy = earliestCopy(next); copy >= 0; copy = earliestCopy(next)) {
    const i = position[copy]!;
    const offset = corpus.offset[i]!;
    const captured = corpus.captured[i]!;
    const at = writer.begin(START_MICROSECONDS + next[copy]!, captured, corpus.length[i]!);
    writer.bytes.set(corpus.bytes.subarray(offset, offset + captured), at);
    const ip = ips[i]!;
    if (ip >= 0) readdress(writer.view, at + ip - offset, keys[copy]!);
    packets++;
    position[copy] = i + 1;
    next[copy] =
      i + 1 < frames ? copy * COPY_SHIFT + corpus.time[i + 1]! : Number.POSITIVE_INFINITY;
  }
  writer.close();
  return {
    truth: { packets, corpusPackets: frames, copies, files: files.length },
    size: writer.size,
  };
};
