// SPDX-License-Identifier: BSD-3-Clause
import { FrameBatch, type FrameHandler } from "../core/packet/frames.ts";
import type { FrameSource } from "../core/source.ts";
import { TrafficGenerator, type TrafficOptions } from "../core/traffic/generator.ts";
import type { Truth } from "../core/traffic/truth.ts";

/** Batches a step hands on: some 10,000 frames. */
const BATCHES = 40;

/** Generated traffic with attacks inside: see core/traffic. */
export class GeneratorSource implements FrameSource {
  readonly kind = "generator";
  readonly name: string;
  readonly #generator: TrafficGenerator;
  readonly #frames = new FrameBatch();

  constructor(options: TrafficOptions) {
    this.#generator = new TrafficGenerator(options);
    this.name = `generated traffic (seed ${options.seed})`;
  }

  /** What the traffic contains. */
  get truth(): Truth {
    return this.#generator.truth;
  }

  step(onFrames: FrameHandler): boolean {
    for (let i = 0; i < BATCHES; i++) {
      if (!this.#generator.next(this.#frames)) return false;
      onFrames(this.#frames);
    }
    return true;
  }

  [Symbol.dispose](): void {}
}
