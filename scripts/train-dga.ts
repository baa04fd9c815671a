// SPDX-License-Identifier: BSD-3-Clause
/**
 * Writes src/detectors/dga/model.ts, by which the detector dga tells made-up names. Equal input gives equal bytes.
 *
 *     bun scripts/train-dga.ts            write it
 *     bun scripts/train-dga.ts --check    fail when it is another one than training gives
 *
 * Names of people come from the package third-party-web: hosts that pages of the web load something from, most frequent first. One in
 * four of their registered domains is never trained with, so that tests can measure with them; names of malware come from families of
 * which others are left for the tests.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../src/core/traffic/rng.ts";
import { GRAMS_MAX, gramsOf, WEIGHTS } from "../src/detectors/dga/grams.ts";
import { LabelFinder, nameHash } from "../src/detectors/dga/label.ts";
import { LEARNT } from "../src/detectors/dga/testing/families.ts";
import { namesOfPeople } from "../src/detectors/dga/testing/people.ts";
import { publicSuffixes } from "./public-suffixes.ts";

const ROOT = join(import.meta.dir, "..");
const MODEL = join(ROOT, "src/detectors/dga/model.ts");

const EPOCHS = 8;
const RATE = 0.1;
const DECAY = 1e-6;
/** Names of malware for each name of people. */
const MADE_UP = 2;
/** Labels of people that are surer than this to be made up are: advertisers change theirs as malware does. */
const NO_PERSON = 2;
/** Share of the names of people above the limit. */
const ABOVE = 0.015;
/** Units of a weight that one of the model's is worth: it has 8 bits. */
const SCALE = 32;
const SEED = 1;

const encoder = new TextEncoder();

interface Example {
  readonly bytes: Uint8Array;
  readonly isMadeUp: boolean;
}

const labelOf = (domain: string): string => domain.slice(0, domain.indexOf("."));

/** Weights of grams and of lengths, found by stochastic gradient descent with a step for each weight (AdaGrad). */
class Learner {
  readonly weights = new Float64Array(WEIGHTS);
  readonly lengths = new Float64Array(64);
  readonly #squares = new Float64Array(WEIGHTS).fill(1e-6);
  readonly #slots = new Uint16Array(GRAMS_MAX);

  score(bytes: Uint8Array): number {
    const count = gramsOf(bytes, 0, bytes.length, this.#slots);
    let sum = this.lengths[bytes.length]!;
    for (let i = 0; i < count; i++) sum += this.weights[this.#slots[i]!]!;
    return sum;
  }

  learn(examples: readonly Example[]): this {
    const dice = new Random(SEED);
    const order = [...examples];
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (let i = order.length - 1; i > 0; i--) {
        const j = dice.below(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      for (const example of order) this.#step(example);
    }
    return this;
  }

  #step({ bytes, isMadeUp }: Example): void {
    const error = (isMadeUp ? 1 : 0) - probability(this.score(bytes));
    const count = gramsOf(bytes, 0, bytes.length, this.#slots);
    this.lengths[bytes.length]! += (RATE / 10) * error;
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[i]!;
      this.#squares[slot]! += error * error;
      const weight = this.weights[slot]!;
      this.weights[slot] =
        weight + (RATE * error) / Math.sqrt(this.#squares[slot]!) - DECAY * weight;
    }
  }
}

/**
 * The logistic function, with (1 + x / 1024) ^ 1024 for the exponential one: of operations that IEEE 754 rounds alike everywhere, where
 * the last bit of Math.exp differs between machines.
 */
function probability(score: number): number {
  let power = 1 - Math.max(-50, Math.min(50, score)) / 1024;
  for (let i = 0; i < 10; i++) power *= power;
  return 1 / (1 + power);
}

const example = (label: string, isMadeUp: boolean): Example => ({
  bytes: encoder.encode(label),
  isMadeUp,
});

/** Labels of the families, as many of each, that the detector would judge. */
function madeUp(count: number): Example[] {
  const dice = new Random(SEED);
  const finder = new LabelFinder(new Set([nameHash("com")]), []);
  return LEARNT.flatMap((family) =>
    Array.from({ length: Math.ceil(count / LEARNT.length) }, () => family.label(dice))
      .filter((label) => {
        const name = encoder.encode(`${label}.com`);
        return finder.find(name, 0, name.length) && finder.isJudged;
      })
      .map((label) => example(label, true)),
  );
}

/** The text of the model's file. */
export async function train(): Promise<string> {
  const tops = (await publicSuffixes()).tops.map(nameHash).sort((a, b) => a - b);
  const { known } = namesOfPeople(new Set(tops));
  const people = known.map((domain) => example(labelOf(domain), false));
  const malware = madeUp(people.length * MADE_UP);
  // Each half is judged by a model that has learnt from the other one.
  const halves = [0, 1].map((half) => people.filter((_, i) => i % 2 === half));
  const judged = (trained: readonly (readonly Example[])[]) => {
    const judges = trained.map((half) => new Learner().learn([...half, ...malware]));
    return halves.map((half, i) => half.map(({ bytes }) => judges[1 - i]!.score(bytes)));
  };
  const first = judged(halves);
  const persons = halves.map((half, i) => half.filter((_, k) => first[i]![k]! < NO_PERSON));
  const scores = judged(persons)
    .flat()
    .sort((a, b) => b - a);
  const model = new Learner().learn([...persons.flat(), ...malware]);
  return modelText(model, scores[Math.floor(scores.length * ABOVE)]!, tops);
}

const base64 = (array: Int8Array | Int16Array | Int32Array): string =>
  Buffer.from(array.buffer).toString("base64");
const rounded = (value: number): number => Math.round(value * SCALE);

function modelText({ weights, lengths }: Learner, limit: number, tops: readonly number[]): string {
  const small = Int8Array.from(weights, (weight) => Math.max(-127, Math.min(127, rounded(weight))));
  return `// SPDX-License-Identifier: BSD-3-Clause
// Generated by scripts/train-dga.ts: \`bun scripts/train-dga.ts\` writes it anew.

/** What a label's score is made of, in whole numbers; a label that scores \`limit\` or more looks made up. */
export const MODEL = {
  limit: ${rounded(limit)},
  /** Share of other names that do so too. */
  mistaken: ${ABOVE},
  /** By the label's length, 16 bits each. */
  lengths:
    "${base64(Int16Array.from(lengths, rounded))}",
  /** By the slots of its grams, 8 bits each. */
  weights:
    "${base64(small)}",
  /** Hashes of the top-level domains, 32 bits each. */
  tops: "${base64(Int32Array.from(tops))}",
};
`;
}

if (import.meta.main) {
  const text = await train();
  const isCheck = process.argv.includes("--check");
  if (!isCheck) writeFileSync(MODEL, text);
  else if (readFileSync(MODEL, "utf8") !== text) {
    console.error(
      "src/detectors/dga/model.ts is not what its training gives: bun scripts/train-dga.ts",
    );
    process.exit(1);
  }
}
