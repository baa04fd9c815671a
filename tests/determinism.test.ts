// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { modulesNamed } from "../src/control/modules.ts";
import type { Alert } from "../src/core/alert.ts";
import { FLOWS } from "../src/core/flow/flows.ts";
import { Meter } from "../src/core/flow/meter.ts";
import { Merge } from "../src/core/merge.ts";
import { PacketDecoder } from "../src/core/packet/decoder.ts";
import { FrameBatch } from "../src/core/packet/frames.ts";
import { ROW, WORD } from "../src/core/packet/row.ts";
import { Pipeline } from "../src/core/pipeline.ts";
import { TrafficGenerator } from "../src/core/traffic/generator.ts";

/** An alert without what differs in every run. */
type Said = Omit<Alert, "id">;

/** Spreads frames over capture Workers as the kernel does: by the pair of addresses. */
class Spread {
  readonly #decoder = new PacketDecoder();
  readonly #meters: readonly Meter[];
  readonly #part = new FrameBatch();
  readonly #cut: number;

  constructor(meters: readonly Meter[], cut: number) {
    this.#meters = meters;
    this.#cut = cut;
  }

  take(frames: FrameBatch): void {
    this.#decoder.decode(frames);
    const worker = new Int32Array(frames.count);
    for (let k = 0; k < this.#decoder.count; k++) {
      const z = k * ROW;
      const { rows } = this.#decoder;
      const pair = (rows[z + WORD.low]! ^ rows[z + WORD.high]!) >>> 0;
      worker[rows[z + WORD.frame]!] = pair % this.#meters.length;
    }
    for (const [index, meter] of this.#meters.entries()) this.#give(frames, worker, index, meter);
  }

  #give(frames: FrameBatch, worker: Int32Array, index: number, meter: Meter): void {
    const part = this.#part;
    part.use(frames.bytes, frames.linkType);
    for (let i = 0; i < frames.count; i++) {
      if (worker[i] !== index) continue;
      part.start[part.count] = frames.start[i]!;
      part.captured[part.count] = frames.captured[i]!;
      part.length[part.count] = frames.length[i]!;
      part.time[part.count++] = frames.time[i]!;
      if (part.count < this.#cut) continue;
      meter.frames(part);
      part.count = 0;
    }
    if (part.count > 0) meter.frames(part);
  }
}

async function alertsOf(seed: number, workers: number, cut: number): Promise<Said[]> {
  const said: Said[] = [];
  const pipeline = new Pipeline({ onAlert: ({ id: _, ...rest }) => said.push(rest) });
  const merge = new Merge(FLOWS);
  const meters = Array.from({ length: workers }, () => new Meter());
  for (const meter of meters) meter.flows.link(merge.input());
  for (const def of await modulesNamed(["vportscan", "haddrscan"]))
    for (const input of Object.values(pipeline.add(def).inputs)) pipeline.link(merge.flows, input);
  const spread = new Spread(meters, cut);
  const traffic = new TrafficGenerator({ seed });
  const frames = new FrameBatch();
  while (traffic.next(frames)) spread.take(frames);
  for (const meter of meters) meter.end();
  return said;
}

test.each([1, 2, 3])(
  "traffic of seed %d gives equal alerts, evidence included, with 1, 2, 3 and 5 capture Workers",
  async (seed) => {
    const one = await alertsOf(seed, 1, 256);
    expect(one.length).toBeGreaterThanOrEqual(4);
    for (const workers of [2, 3, 5]) expect(await alertsOf(seed, workers, 256)).toEqual(one);
  },
);

test("traffic gives equal alerts whatever the batch borders", async () => {
  const whole = await alertsOf(4, 1, 256);
  for (const cut of [1, 7, 100]) expect(await alertsOf(4, 2, cut)).toEqual(whole);
});
