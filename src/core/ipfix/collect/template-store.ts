// SPDX-License-Identifier: BSD-3-Clause
import { type TemplateHead, WireTemplate } from "./wire-template.ts";

export interface TemplateStoreOptions {
  /** Bytes that the templates of all exporters may take. */
  readonly templateBytesMax?: number;
  /** Exporters whose templates are kept at once. */
  readonly exportersMax?: number;
}

const TEMPLATE_BYTES_MAX = 8 << 20;
const EXPORTERS_MAX = 4096;
/** Fields of the templates that are warm: each takes some 200 bytes, with its part of the plan. */
const WARM_FIELDS_MAX = 65_536;
/** Bytes that a template takes beside its fields as they came. */
const TEMPLATE_BYTES = 300;

const costOf = ({ specs }: TemplateHead): number => TEMPLATE_BYTES + specs.length;

/** Templates of one exporter. */
interface Exporter {
  readonly name: string;
  /** By observation domain and template id; the one used longest ago comes first. */
  readonly templates: Map<number, WireTemplate>;
  bytes: number;
}

/** Observation domain and template id in one number: 48 bits, exact in a double. */
const keyOf = (domain: number, id: number): number => domain * 65_536 + id;
const domainOf = (key: number): number => Math.floor(key / 65_536);

/** A template with whose it is. */
export interface TemplateEntry {
  readonly exporter: string;
  readonly domain: number;
  readonly template: WireTemplate;
}

/**
 * The templates of all exporters, in bounds. Where they take too much, an exporter that has more than its share loses the one it has
 * used longest ago: whoever announces without end pushes out his own. Where there are too many exporters, the one heard of longest
 * ago is forgotten.
 */
export class TemplateStore {
  readonly #exporters = new Map<string, Exporter>();
  readonly #max: number;
  readonly #exportersMax: number;
  /** Templates whose fields were looked at, the first first. */
  readonly #warm = new Set<WireTemplate>();
  #warmFields = 0;
  #bytes = 0;
  #size = 0;
  /** Templates that had to make room. */
  evicted = 0;
  /** Changes whenever a template is put or taken away, so that what was saved can be told from what is. */
  version = 0;

  constructor({
    templateBytesMax = TEMPLATE_BYTES_MAX,
    exportersMax = EXPORTERS_MAX,
  }: TemplateStoreOptions = {}) {
    this.#max = templateBytesMax;
    this.#exportersMax = exportersMax;
  }

  get size(): number {
    return this.#size;
  }

  /** The template of an id; it counts as used. */
  get(name: string, domain: number, id: number): WireTemplate | undefined {
    const exporter = this.#exporters.get(name);
    if (!exporter) return undefined;
    // Only a store that is nearly full needs to know what was used longest ago.
    if (this.#exporters.size * 2 >= this.#exportersMax) renew(this.#exporters, name, exporter);
    const key = keyOf(domain, id);
    const template = exporter.templates.get(key);
    if (!template) return undefined;
    if (this.#bytes * 2 >= this.#max) renew(exporter.templates, key, template);
    if (!template.isWarm) this.#heat(template);
    return template;
  }

  /** Its fields will be looked at: others are forgotten where that is too much. */
  #heat(template: WireTemplate): void {
    template.isWarm = true;
    this.#warm.add(template);
    this.#warmFields += template.fieldCount;
    for (const first of this.#warm) {
      if (this.#warmFields <= WARM_FIELDS_MAX) return;
      this.#cool(first);
    }
  }

  #cool(template: WireTemplate): void {
    if (!this.#warm.delete(template)) return;
    this.#warmFields -= template.fieldCount;
    template.cool();
  }

  /** Take a template; one that says the same stays, with what was made of it. */
  put(name: string, domain: number, head: TemplateHead): void {
    const exporter = this.#exporterOf(name);
    const key = keyOf(domain, head.id);
    const known = exporter.templates.get(key);
    if (known?.equals(head)) {
      renew(exporter.templates, key, known);
      return;
    }
    if (known) this.#remove(exporter, key, known);
    exporter.templates.set(key, new WireTemplate(head));
    this.#add(exporter, 1, costOf(head));
    while (this.#bytes > this.#max && this.#size > 1) this.#evict(exporter);
  }

  /** Withdraw a template (RFC 7011 section 8.1). */
  withdraw(name: string, domain: number, id: number): void {
    const exporter = this.#exporters.get(name);
    const key = keyOf(domain, id);
    const template = exporter?.templates.get(key);
    if (exporter && template) this.#remove(exporter, key, template);
  }

  /** Withdraw all templates of a domain, of flows or of options: a look at each of the exporter's. */
  withdrawAll(name: string, domain: number, isOptions: boolean): void {
    const exporter = this.#exporters.get(name);
    for (const [key, template] of [...(exporter?.templates ?? [])])
      if (domainOf(key) === domain && template.isOptions === isOptions)
        this.#remove(exporter!, key, template);
  }

  /** Forget what was made of an exporter's templates: it has said what changes it. */
  remake(name: string): void {
    const templates = this.#exporters.get(name)?.templates.values() ?? [];
    for (const template of templates) template.made = undefined;
  }

  /** Forget all of an exporter: its connection has ended (RFC 7011 section 8.4). */
  forget(name: string): void {
    const exporter = this.#exporters.get(name);
    if (!exporter) return;
    for (const entry of [...exporter.templates]) this.#remove(exporter, ...entry);
    this.#exporters.delete(name);
  }

  /** All of them, to be kept over a restart. */
  *entries(): Generator<TemplateEntry> {
    for (const { name, templates } of this.#exporters.values())
      for (const [key, template] of templates)
        yield { exporter: name, domain: domainOf(key), template };
  }

  #exporterOf(name: string): Exporter {
    const known = this.#exporters.get(name);
    if (!known && this.#exporters.size >= this.#exportersMax) {
      const oldest = this.#exporters.values().next().value!;
      this.evicted += oldest.templates.size;
      this.forget(oldest.name);
    }
    const exporter = known ?? { name, templates: new Map(), bytes: 0 };
    renew(this.#exporters, name, exporter);
    return exporter;
  }

  /** One that has more than its share makes room: the one that needs it, if it is so. */
  #evict(needy: Exporter): void {
    const share = this.#max / this.#exporters.size;
    const exporter = needy.bytes > share ? needy : this.#largest();
    this.#remove(exporter, ...exporter.templates.entries().next().value!);
    this.evicted++;
  }

  #largest(): Exporter {
    return this.#exporters.values().reduce((most, each) => (each.bytes > most.bytes ? each : most));
  }

  #remove(exporter: Exporter, key: number, template: WireTemplate): void {
    exporter.templates.delete(key);
    this.#cool(template);
    this.#add(exporter, -1, -costOf(template));
  }

  #add(exporter: Exporter, templates: number, bytes: number): void {
    exporter.bytes += bytes;
    this.#bytes += bytes;
    this.#size += templates;
    this.version++;
  }
}

/** Put an entry behind all others. */
function renew<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
}
