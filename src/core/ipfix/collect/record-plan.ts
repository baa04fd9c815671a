// SPDX-License-Identifier: BSD-3-Clause
import type { Field, Template } from "../../unirec/template.ts";
import { isArrayType, type ScalarType } from "../../unirec/types.ts";
import type { RecordWriter } from "../../unirec/writer.ts";
import { conversionFor } from "./conversions.ts";
import type { ElementType } from "./data-types.ts";
import type { ToldElements } from "./element-types.ts";
import { ListSource, ListValues } from "./list-values.ts";
import { ListReader } from "./lists.ts";
import type { ElementRef, Mapping } from "./mapping.ts";
import { compile, type Fill, type Step } from "./plan-code.ts";
import type { Transfer } from "./transfer.ts";
import type { WireTemplate } from "./wire-template.ts";

/** Records after which a plan is worth its code. */
const COMPILE_AFTER = 1000;
/** Bytes of a string or of bytes that are taken. */
const LENGTH_MAX = 1024;

/** A UniRec field of variable length, a string, bytes or a list, and what it may come from, the best first. */
interface LongValue {
  readonly field: Field;
  readonly index: number;
  /** Indexes of the record's fields, and lists that may have a value. */
  readonly sources: (number | ListSource)[];
}

/** A UniRec field of fixed length that takes the first value that lists have of an element. */
interface FirstValue {
  readonly field: Field;
  readonly source: ListSource;
  /** Whether a better element has written there, unless its value was zero. */
  isSpare: boolean;
}

/** A field of the layout, and one of the elements it may come from. */
export interface Wanted {
  readonly field: Field;
  /** Its index. */
  readonly index: number;
  readonly element: ElementRef;
  /** What the exporter told of it, where it goes by the name that he told. */
  readonly told?: ElementType;
}

/** What a layout wants; of several elements of a field the best comes last, and is not written where it is zero. */
export const wantedOf = ({ fields }: Template, mapping: Mapping): readonly Wanted[] =>
  fields.flatMap((field, index) =>
    mapping
      .elementsOf(field.name)
      .toReversed()
      .map((element) => ({ field, index, element })),
  );

/** The same, with the numbers that names have for an exporter, and without those that it has not told. */
export const resolved = (
  wanted: readonly Wanted[],
  exporter: ToldElements | undefined,
): readonly Wanted[] =>
  wanted.flatMap((each) => {
    const { element } = each;
    if (element.name === "") return [each];
    const told = exporter?.named(element.enterprise, element.name);
    return told ? [{ ...each, element: { ...element, number: told.number }, told }] : [];
  });

const NO_LISTS = new ListValues(new ListReader({ get: () => undefined }));

/**
 * How records of one template become UniRec records of one layout, made when the first of them comes.
 *
 * Fields for which the record has no element stay zero or empty. Of several elements the best is taken; where its value is zero, the next one: routers
 * send both ports and ICMP types, of which one is zero.
 */
export class RecordPlan {
  readonly #steps: Step[] = [];
  readonly #long: LongValue[] = [];
  readonly #firsts: FirstValue[] = [];
  readonly #template: WireTemplate;
  readonly #lists: ListValues;
  #records = 0;
  #fill: Fill | undefined;

  constructor(template: WireTemplate, wanted: readonly Wanted[], lists = NO_LISTS) {
    this.#template = template;
    this.#lists = lists;
    for (const each of wanted) {
      if (each.element.list > 0) this.#fromLists(each);
      else this.#fromField(each);
    }
  }

  #fromField({ field, index, element, told }: Wanted): void {
    const template = this.#template;
    const source = template.indexOf(element.enterprise, element.number);
    const { type, size, offset } = field;
    if (source < 0 || isArrayType(type)) return;
    if (size <= 0) {
      const { sources } = this.#longOf(field, index);
      sources.length = 0;
      sources.push(source);
      return;
    }
    const { length } = template.fields[source]!;
    const kind = conversionFor(
      { name: field.name, type: type as ScalarType },
      element,
      length,
      told,
    );
    if (kind === undefined) return;
    for (const first of this.#firsts) if (first.field === field) first.isSpare = true;
    const from = template.isFixed ? template.offsetOf(source) : source;
    const isSecond = this.#steps.at(-1)?.target === offset;
    this.#steps.push({ kind, source: from, length, target: offset, isSecond });
  }

  /** A record may have several lists, which say themselves what they hold. */
  #fromLists({ field, index, element, told }: Wanted): void {
    const source = new ListSource(this.#template, element, field, told);
    if (source.fields.length === 0) return;
    if (field.size <= 0) this.#longOf(field, index).sources.unshift(source);
    else this.#firsts.push({ field, source, isSpare: false });
  }

  #longOf(field: Field, index: number): LongValue {
    const known = this.#long.at(-1);
    if (known?.index === index) return known;
    const long = { field, index, sources: [] };
    this.#long.push(long);
    return long;
  }

  /** Whether it looks at where the fields of a record lie. */
  get needsSpans(): boolean {
    return this.#long.length + this.#firsts.length > 0 || !this.#template.isFixed;
  }

  /** Fill in a record that is begun, from the one that the transfer has. */
  write(transfer: Transfer, record: RecordWriter): void {
    if (this.#fill) this.#fill(transfer);
    else {
      for (const step of this.#steps) run(step, transfer, this.#template.isFixed);
      if (++this.#records === COMPILE_AFTER)
        this.#fill = compile(this.#steps, this.#template.isFixed);
    }
    for (const first of this.#firsts) this.#writeFirst(first, transfer);
    for (const long of this.#long) this.#writeLong(long, transfer, record);
  }

  #writeFirst({ field, source, isSpare }: FirstValue, transfer: Transfer): void {
    const { offset, size } = field;
    if (isSpare && !isZero(transfer.to, offset, size)) return;
    const lists = this.#lists;
    if (!lists.find(source, transfer, 1)) return;
    const kind = source.kindOf(lists.length(0));
    if (kind !== undefined) transfer.store(kind, lists.at(0), lists.length(0), offset);
  }

  #writeLong({ field, index, sources }: LongValue, transfer: Transfer, record: RecordWriter): void {
    const { spans } = transfer;
    for (const source of sources) {
      const content =
        typeof source === "number"
          ? textOf(transfer.view, spans[2 * source]!, spans[2 * source + 1]!, field.type)
          : this.#fromList(source, field.type, transfer);
      if (content === undefined) continue;
      record.set(index, content);
      return;
    }
  }

  #fromList(source: ListSource, type: Field["type"], transfer: Transfer): unknown {
    const lists = this.#lists;
    if (isArrayType(type)) return lists.items(source, transfer);
    if (!lists.find(source, transfer, 1)) return undefined;
    return textOf(transfer.view, lists.at(0), lists.length(0), type);
  }
}

function isZero(view: DataView, at: number, size: number): boolean {
  let bits = 0;
  for (let i = 0; i < size; i++) bits |= view.getUint8(at + i);
  return bits === 0;
}

function run({ kind, source, length, target }: Step, transfer: Transfer, isFixed: boolean): void {
  transfer.store(
    kind,
    isFixed ? transfer.at + source : transfer.spans[2 * source]!,
    length,
    target,
  );
}

/** A string ends where its padding of zeros begins. */
function textOf(
  view: DataView,
  at: number,
  length: number,
  type: Field["type"],
): string | Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(length, LENGTH_MAX));
  if (type !== "string") return bytes;
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}
