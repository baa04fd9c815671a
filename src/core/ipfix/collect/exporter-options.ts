// SPDX-License-Identifier: BSD-3-Clause
import { readUnsigned } from "./conversions.ts";
import type { RecordSpan } from "./flow-decoder.ts";
import type { MessageHead } from "./message-head.ts";
import type { WireTemplate } from "./wire-template.ts";

/** Elements that say how packets are sampled (RFC 5477, RFC 3954 section 8), by which sampler, and when uptime began. */
export const OPTION = {
  interval: 34,
  sampler: 48,
  randomInterval: 50,
  bootMillis: 160,
  selector: 302,
  packetInterval: 305,
  packetSpace: 306,
  size: 309,
  population: 310,
  probability: 311,
} as const;

/** Things that are remembered of each kind; past it what was told longest ago is forgotten. */
const REMEMBERED_MAX = 16_384;

/** What exporters tell of themselves in records of options: sampling, and when they were started. */
export class ExporterOptions {
  /** Each how many packets one was taken, by exporter, domain and sampler. */
  readonly #intervals = new Map<string, number>();
  /** Microseconds since 1970, by exporter and domain. */
  readonly #boots = new Map<string, number>();
  /** What was asked for last: mostly it is asked for again. */
  #exporter: unknown;
  #domain = -1;
  #sampler = -1;
  #interval: number | undefined;

  /** Learn what a record of options says; one that says nothing of this is passed over. */
  learn(template: WireTemplate, view: DataView, { spans }: RecordSpan, head: MessageHead): void {
    const values = new Map<number, number>();
    for (const [i, { enterprise, number, isScope }] of template.fields.entries()) {
      const at = spans[2 * i]!;
      const length = spans[2 * i + 1]!;
      // NetFlow has numbers of its own for scopes.
      const isKnown = enterprise === 0 && !(isScope && template.dialect === "netflow");
      if (!isKnown || length === 0 || length > 8) continue;
      const isDouble = number === OPTION.probability && length === 8;
      values.set(number, isDouble ? view.getFloat64(at) : readUnsigned(view, at, length));
    }
    const interval = intervalOf(values);
    const sampler = values.get(OPTION.sampler) ?? values.get(OPTION.selector) ?? 0;
    if (interval !== undefined) {
      remember(this.#intervals, samplerKey(head, sampler), interval);
      if (sampler > 0) remember(this.#intervals, anywhereKey(head, sampler), interval);
    }
    const boot = values.get(OPTION.bootMillis);
    if (boot !== undefined) remember(this.#boots, domainKey(head), boot * 1000);
    this.#exporter = undefined;
  }

  /**
   * Packets for each that was taken by a sampler, or by the domain's only one; 1 when nobody said. Some tell of their samplers in
   * another domain than that of the flows: a sampler that nobody knows in the flow's is then the one of this number.
   */
  interval(head: MessageHead, sampler: number): number {
    if (
      head.exporter !== this.#exporter ||
      head.domain !== this.#domain ||
      sampler !== this.#sampler
    ) {
      this.#exporter = head.exporter;
      this.#domain = head.domain;
      this.#sampler = sampler;
      this.#interval =
        this.#intervals.get(samplerKey(head, sampler)) ??
        this.#intervals.get(samplerKey(head, 0)) ??
        this.#intervals.get(anywhereKey(head, sampler));
    }
    return this.#interval ?? Math.max(1, head.samplingInterval);
  }

  /** When uptime began, microseconds since 1970; NaN when nobody said. */
  bootedAt(head: MessageHead): number {
    return this.#boots.get(domainKey(head)) ?? Number.NaN;
  }
}

const domainKey = ({ exporter, domain }: MessageHead): string => `${exporter.name} ${domain}`;
const samplerKey = (head: MessageHead, sampler: number): string => `${domainKey(head)} ${sampler}`;
const anywhereKey = ({ exporter }: MessageHead, sampler: number): string =>
  `${exporter.name} * ${sampler}`;

function remember(map: Map<string, number>, key: string, value: number): void {
  map.delete(key);
  if (map.size >= REMEMBERED_MAX) map.delete(map.keys().next().value!);
  map.set(key, value);
}

/** What options say, as packets for each one taken; undefined when they say nothing of it, or nonsense. */
function intervalOf(values: ReadonlyMap<number, number>): number | undefined {
  const plain = values.get(OPTION.interval) ?? values.get(OPTION.randomInterval);
  if (plain !== undefined) return plain >= 1 ? plain : undefined;
  const [taken, left] = [values.get(OPTION.packetInterval), values.get(OPTION.packetSpace)];
  if (taken !== undefined && left !== undefined)
    return taken > 0 ? (taken + left) / taken : undefined;
  const [size, population] = [values.get(OPTION.size), values.get(OPTION.population)];
  if (size !== undefined && population !== undefined)
    return size > 0 && population >= size ? population / size : undefined;
  const probability = values.get(OPTION.probability);
  if (probability !== undefined)
    return probability > 0 && probability <= 1 ? 1 / probability : undefined;
  // Where nothing is left out of anything, packets taken have come to mean what the plain interval does.
  return taken !== undefined && taken >= 1 ? taken : undefined;
}
