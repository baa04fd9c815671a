// SPDX-License-Identifier: BSD-3-Clause
/** What exporters tell of elements of enterprises (RFC 5610): their names, and what their values are. @module */
import { readUnsigned } from "./conversions.ts";
import { DATA_TYPE, type ElementType } from "./data-types.ts";
import type { RecordSpan } from "./flow-decoder.ts";
import type { MessageHead } from "./message-head.ts";
import type { WireTemplate } from "./wire-template.ts";

/** Elements that describe an element. */
const DESCRIBES = { number: 303, type: 339, name: 341, semantics: 344, enterprise: 346 } as const;
/** Enterprise of the other direction of IANA's elements (RFC 5103). */
const REVERSE = 29_305;
/** The bit that some set in a number, as templates do. */
const NUMBER_BITS = 0x7fff;

/** Elements that are remembered; past it an exporter that has told more than its share forgets what it told longest ago. */
const ELEMENTS_MAX = 65_536;
/** Exporters whose elements are; past it the one that told something longest ago is forgotten. */
const EXPORTERS_MAX = 4096;
/** What a name may be: nothing that has a meaning in a mapping or in raw fields. Others are not taken. */
const NAME = /^[A-Za-z][\w.-]{0,63}$/;

/** Bytes of a name that are looked at: more than it may have. */
const NAME_BYTES = 65;

/** Whether exporters may describe elements of an enterprise: not IANA's, nor their other direction. */
const isTheirs = (enterprise: number): boolean => enterprise !== 0 && enterprise !== REVERSE;

/** Whether exporters may tell of an element by this name. */
export const isTold = ({ enterprise, name }: { enterprise: number; name: string }): boolean =>
  isTheirs(enterprise) && NAME.test(name);

/** What one exporter told. */
export class ToldElements {
  readonly exporter: string;
  /** By enterprise and number; the one told longest ago comes first. */
  readonly #byNumber = new Map<number, ElementType>();
  /** By enterprise and name: the last of several of one name. */
  readonly #byName = new Map<string, ElementType>();

  constructor(exporter: string) {
    this.exporter = exporter;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  get(enterprise: number, number: number): ElementType | undefined {
    return this.#byNumber.get(keyOf(enterprise, number));
  }

  named(enterprise: number, name: string): ElementType | undefined {
    return this.#byName.get(`${enterprise}:${name}`);
  }

  put(enterprise: number, element: ElementType): void {
    this.#drop(enterprise, element.number);
    this.#byNumber.set(keyOf(enterprise, element.number), element);
    if (element.name !== "") this.#byName.set(`${enterprise}:${element.name}`, element);
  }

  dropFirst(): void {
    const key = this.#byNumber.keys().next().value!;
    this.#drop(Math.floor(key / 65_536), key % 65_536);
  }

  #drop(enterprise: number, number: number): void {
    const known = this.get(enterprise, number);
    if (!known) return;
    this.#byNumber.delete(keyOf(enterprise, number));
    if (this.named(enterprise, known.name) === known)
      this.#byName.delete(`${enterprise}:${known.name}`);
  }
}

const keyOf = (enterprise: number, number: number): number => enterprise * 65_536 + number;

/** Where the fields of a template of options lie that describe an element. */
type Indexes = Readonly<Record<keyof typeof DESCRIBES, number>>;

/** What all exporters told. */
export class ElementTypes {
  /** The one that told something longest ago comes first. */
  readonly #exporters = new Map<string, ToldElements>();
  #size = 0;

  /** Elements of all exporters. */
  get size(): number {
    return this.#size;
  }

  of(exporter: string): ToldElements | undefined {
    return this.#exporters.get(exporter);
  }

  /** Learn what a record of options says of an element; returns whether that is news. */
  learn(template: WireTemplate, view: DataView, { spans }: RecordSpan, head: MessageHead): boolean {
    template.made ??= indexesOf(template);
    const at = template.made as Indexes;
    if (at.number < 0 || at.enterprise < 0) return false;
    const numberOf = (index: number): number | undefined => {
      const length = index < 0 ? 0 : spans[2 * index + 1]!;
      return length > 0 && length <= 4 ? readUnsigned(view, spans[2 * index]!, length) : undefined;
    };
    const enterprise = numberOf(at.enterprise) ?? 0;
    const number = (numberOf(at.number) ?? 0) & NUMBER_BITS;
    if (!isTheirs(enterprise) || number === 0) return false;
    const known = this.of(head.exporter.name)?.get(enterprise, number);
    const name = at.name < 0 ? undefined : nameAt(view, spans, at.name);
    const element = {
      number,
      name: name ?? known?.name ?? "",
      type: numberOf(at.type) ?? known?.type ?? DATA_TYPE.octets,
      semantics: numberOf(at.semantics) ?? known?.semantics ?? 0,
    };
    this.#put(head.exporter.name, enterprise, element);
    return (
      known?.name !== element.name ||
      known.type !== element.type ||
      known.semantics !== element.semantics
    );
  }

  #put(name: string, enterprise: number, element: ElementType): void {
    const exporter = this.#exporters.get(name) ?? new ToldElements(name);
    this.#exporters.delete(name);
    if (this.#exporters.size >= EXPORTERS_MAX) {
      const oldest = this.#exporters.values().next().value!;
      this.#exporters.delete(oldest.exporter);
      this.#size -= oldest.size;
    }
    this.#exporters.set(name, exporter);
    this.#size -= exporter.size;
    exporter.put(enterprise, element);
    this.#size += exporter.size;
    if (this.#size > ELEMENTS_MAX) this.#makeRoom(exporter);
  }

  #makeRoom(needy: ToldElements): void {
    const share = ELEMENTS_MAX / this.#exporters.size;
    const largest = (): ToldElements =>
      this.#exporters.values().reduce((most, each) => (each.size > most.size ? each : most));
    (needy.size > share ? needy : largest()).dropFirst();
    this.#size--;
  }
}

/** NetFlow v9 knows no enterprises, and has numbers of its own for scopes. */
function indexesOf(template: WireTemplate): Indexes {
  const indexOf = (number: number): number =>
    template.dialect === "ipfix" ? template.indexOf(0, number) : -1;
  return {
    number: indexOf(DESCRIBES.number),
    type: indexOf(DESCRIBES.type),
    name: indexOf(DESCRIBES.name),
    semantics: indexOf(DESCRIBES.semantics),
    enterprise: indexOf(DESCRIBES.enterprise),
  };
}

/** The name, up to the zeros that pad it; empty where it is none that may be. */
function nameAt(view: DataView, spans: Int32Array, index: number): string {
  const length = Math.min(spans[2 * index + 1]!, NAME_BYTES);
  const bytes = Buffer.from(view.buffer, view.byteOffset + spans[2 * index]!, length);
  const end = bytes.indexOf(0);
  const text = bytes.toString("latin1", 0, end < 0 ? length : end);
  return NAME.test(text) ? text : "";
}
