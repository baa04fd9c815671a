// SPDX-License-Identifier: BSD-3-Clause
import { type TemplateHead, WireTemplate } from "./wire-template.ts";

export interface TemplateStoreOptions {
  /** Templates of all exporters together. */
  readonly templatesMax?: number;
  /** Addresses of exporters. */
  readonly exportersMax?: number;
}

const TEMPLATES_MAX = 65_536;
const EXPORTERS_MAX = 4096;

/** Templates of one exporter's address. */
interface Exporter {
  readonly address: string;
  /** By observation domain and template id; the one used longest ago comes first. */
  readonly templates: Map<number, WireTemplate>;
}

/** Observation domain and template id in one number: 48 bits, exact in a double. */
const keyOf = (domain: number, id: number): number => domain * 65_536 + id;

/**
 * The templates of all exporters, in bounds. Where there are too many, an address that has more than its share loses the one it has used
 * longest ago: whoever announces without end pushes out his own. Where there are too many addresses, the one heard of longest ago is forgotten.
 */
export class TemplateStore {
  readonly #exporters = new Map<string, Exporter>();
  readonly #max: number;
  readonly #exportersMax: number;
  /** One that had the most when it was looked for. */
  #largest: Exporter | undefined;
  #size = 0;
  /** Templates that had to make room. */
  evicted = 0;
  /** Changes whenever a template is put or taken away, so that what was saved can be told from what is. */
  version = 0;

  constructor({
    templatesMax = TEMPLATES_MAX,
    exportersMax = EXPORTERS_MAX,
  }: TemplateStoreOptions = {}) {
    this.#max = templatesMax;
    this.#exportersMax = exportersMax;
  }

  get size(): number {
    return this.#size;
  }

  /** The template of an id; it counts as used. */
  get(address: string, domain: number, id: number): WireTemplate | undefined {
    const exporter = this.#exporters.get(address);
    if (!exporter) return undefined;
    // Only a store that is full needs to know what was used longest ago.
    if (this.#exporters.size >= this.#exportersMax) renew(this.#exporters, address, exporter);
    const key = keyOf(domain, id);
    const template = exporter.templates.get(key);
    if (template && this.#size >= this.#max) renew(exporter.templates, key, template);
    return template;
  }

  /** Take a template; one that says the same stays, with what was made of it. */
  put(address: string, domain: number, head: TemplateHead): void {
    const { templates } = this.#exporterOf(address);
    const key = keyOf(domain, head.id);
    const known = templates.get(key);
    if (known) templates.delete(key);
    else this.#size++;
    if (!known?.equals(head)) this.version++;
    templates.set(key, known?.equals(head) ? known : new WireTemplate(head));
    if (this.#size > this.#max) this.#evict();
  }

  /** Withdraw a template, or all of a kind of a domain (RFC 7011 section 8.1). */
  withdraw(address: string, domain: number, which: { id: number } | { isOptions: boolean }): void {
    const templates = this.#exporters.get(address)?.templates;
    if (!templates) return;
    const keys =
      "id" in which
        ? [keyOf(domain, which.id)]
        : [...templates]
            .filter(
              ([key, { isOptions }]) =>
                Math.floor(key / 65_536) === domain && isOptions === which.isOptions,
            )
            .map(([key]) => key);
    for (const key of keys)
      if (templates.delete(key)) {
        this.#size--;
        this.version++;
      }
    if (templates.size === 0) this.#exporters.delete(address);
  }

  /** Forget all of an address: its connection has ended (RFC 7011 section 8.4). */
  forget(address: string): void {
    const exporter = this.#exporters.get(address);
    if (!exporter) return;
    this.#size -= exporter.templates.size;
    this.version++;
    this.#exporters.delete(address);
  }

  /** All of them, to be kept over a restart. */
  *entries(): Generator<{ address: string; domain: number; template: WireTemplate }> {
    for (const { address, templates } of this.#exporters.values())
      for (const [key, template] of templates)
        yield { address, domain: Math.floor(key / 65_536), template };
  }

  #exporterOf(address: string): Exporter {
    let exporter = this.#exporters.get(address);
    if (!exporter) {
      if (this.#exporters.size >= this.#exportersMax) {
        const oldest = this.#exporters.values().next().value!;
        this.evicted += oldest.templates.size;
        this.forget(oldest.address);
      }
      exporter = { address, templates: new Map() };
    }
    renew(this.#exporters, address, exporter);
    return exporter;
  }

  #evict(): void {
    const share = this.#max / this.#exporters.size;
    if (!this.#largest || this.#largest.templates.size <= share)
      this.#largest = this.#findLargest();
    const { templates, address } = this.#largest;
    templates.delete(templates.keys().next().value!);
    if (templates.size === 0) this.#exporters.delete(address);
    this.#size--;
    this.evicted++;
    this.version++;
  }

  #findLargest(): Exporter {
    return this.#exporters
      .values()
      .reduce((most, each) => (each.templates.size > most.templates.size ? each : most));
  }
}

/** Put an entry behind all others. */
function renew<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
}
