// SPDX-License-Identifier: BSD-3-Clause
import { readUnsigned } from "./conversions.ts";
import type { MessageHead, RecordSpan } from "./flow-decoder.ts";
import type { WireTemplate } from "./wire-template.ts";

/** Elements that say how packets are sampled (RFC 5477, RFC 3954 section 8), and which sampler. */
const E = {
  interval: 34,
  randomInterval: 50,
  sampler: 48,
  selector: 302,
  packetInterval: 305,
  packetSpace: 306,
  size: 309,
  population: 310,
  probability: 311,
} as const;

/** Samplers that are remembered; past it the one told of longest ago is forgotten. */
const SAMPLERS_MAX = 16_384;

/** Each how many packets one was taken, by exporter, domain and sampler. */
export class Sampling {
  readonly #intervals = new Map<string, number>();

  /** Learn what a record of options says; one that says nothing of sampling is passed over. */
  learn(template: WireTemplate, view: DataView, { spans }: RecordSpan, head: MessageHead): void {
    const values = new Map<number, number>();
    for (const [i, { enterprise, number, isScope }] of template.fields.entries()) {
      const length = spans[2 * i + 1]!;
      // NetFlow has numbers of its own for scopes.
      if (enterprise !== 0 || (isScope && template.dialect === "netflow") || length > 8) continue;
      if (number === E.probability && length === 8)
        values.set(number, view.getFloat64(spans[2 * i]!));
      else values.set(number, readUnsigned(view, spans[2 * i]!, length));
    }
    const interval = intervalOf(values);
    if (interval === undefined) return;
    const key = keyOf(head, values.get(E.sampler) ?? values.get(E.selector) ?? 0);
    if (!this.#intervals.has(key) && this.#intervals.size >= SAMPLERS_MAX)
      this.#intervals.delete(this.#intervals.keys().next().value!);
    this.#intervals.set(key, interval);
  }

  /** Packets for each that was taken by a sampler, or by the exporter's only one; 1 when nobody said. */
  interval(head: MessageHead, sampler: number): number {
    if (this.#intervals.size === 0) return Math.max(1, head.samplingInterval);
    const known = this.#intervals.get(keyOf(head, sampler)) ?? this.#intervals.get(keyOf(head, 0));
    return known ?? Math.max(1, head.samplingInterval);
  }
}

const keyOf = ({ exporter, domain }: MessageHead, sampler: number): string =>
  `${exporter} ${domain} ${sampler}`;

/** What options say, as packets for each one taken; undefined when they say nothing of it, or nonsense. */
function intervalOf(values: ReadonlyMap<number, number>): number | undefined {
  const plain = values.get(E.interval) ?? values.get(E.randomInterval);
  if (plain !== undefined) return plain >= 1 ? plain : undefined;
  const [taken, left] = [values.get(E.packetInterval), values.get(E.packetSpace)];
  if (taken !== undefined && left !== undefined)
    return taken > 0 ? (taken + left) / taken : undefined;
  const [size, population] = [values.get(E.size), values.get(E.population)];
  if (size !== undefined && population !== undefined)
    return size > 0 && population >= size ? population / size : undefined;
  const probability = values.get(E.probability);
  return probability !== undefined && probability > 0 && probability <= 1
    ? 1 / probability
    : undefined;
}

/** Index of the field that names the sampler of a flow; -1 when there is none. */
export const samplerField = ({ fields }: WireTemplate): number =>
  fields.findIndex(
    ({ enterprise, number }) => enterprise === 0 && (number === E.sampler || number === E.selector),
  );
