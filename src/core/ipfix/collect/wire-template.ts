// SPDX-License-Identifier: BSD-3-Clause
/** Templates as exporters announce them: NetFlow v9 (RFC 3954 section 5) and IPFIX (RFC 7011 section 3.4). @module */

/** What numbers of fields mean: NetFlow v9 has its own above 127, and no enterprises. */
export type Dialect = "netflow" | "ipfix";

/** One field of a template. */
export interface WireField {
  /** 0 for IANA's elements, and for all of NetFlow's. */
  readonly enterprise: number;
  readonly number: number;
  /** Bytes; {@link VARIABLE} where each value has its own length in front. */
  readonly length: number;
  /** Whether it says what the record's other fields are about; NetFlow has numbers of its own for these. */
  readonly isScope: boolean;
}

/** The length that means: with the value (RFC 7011 section 7). Some send it in NetFlow v9 too. */
export const VARIABLE = 65_535;
/** Marks fields with an enterprise number (RFC 7011 section 3.2). */
const ENTERPRISE = 0x8000;
/** Fields of a template at most: far more than a datagram has room for. */
const FIELDS_MAX = 4096;

/** What a template is, as far as one can tell without looking into it. Plain data: it is kept over restarts, and by the ten thousand. */
export interface TemplateHead {
  readonly id: number;
  readonly dialect: Dialect;
  readonly fieldCount: number;
  /** Scope fields, which come first; 0 for templates of flows. */
  readonly scopeCount: number;
  /** Whether its records tell of the exporter and not of flows. */
  readonly isOptions: boolean;
  /** Its fields as they came, a character for each byte: a string takes a third of an array's memory. */
  readonly specs: string;
}

/** A template, whose fields are looked at when its first record comes, and again where that was forgotten. */
export class WireTemplate implements TemplateHead {
  readonly id: number;
  readonly dialect: Dialect;
  readonly fieldCount: number;
  readonly scopeCount: number;
  readonly isOptions: boolean;
  readonly specs: string;
  /** What its reader has made of it, until it {@link cool}s. */
  made: unknown;
  /** Whether it may take the memory that its fields need. */
  isWarm = false;
  #fields: readonly WireField[] | undefined;
  #least = 0;
  #isFixed = true;

  constructor(head: TemplateHead) {
    this.id = head.id;
    this.dialect = head.dialect;
    this.fieldCount = head.fieldCount;
    this.scopeCount = head.scopeCount;
    this.isOptions = head.isOptions;
    this.specs = head.specs;
  }

  get fields(): readonly WireField[] {
    this.#fields ??= this.#parse();
    return this.#fields;
  }

  /** Forget what can be made again. */
  cool(): void {
    this.#fields = undefined;
    this.made = undefined;
    this.isWarm = false;
  }

  /** Bytes of a record at least: of each, where no field is variable. */
  get least(): number {
    return this.fields.length === 0 ? 0 : this.#least;
  }

  get isFixed(): boolean {
    return this.fields.length === 0 || this.#isFixed;
  }

  /**
   * Index of the last field that has an element; -1 when there is none. Where tunnels are opened the inner headers come
   * behind the outer.
   */
  indexOf(enterprise: number, number: number): number {
    const { fields } = this;
    let i = fields.length - 1;
    while (i >= 0 && !(fields[i]!.number === number && fields[i]!.enterprise === enterprise)) i--;
    return i;
  }

  /** Bytes in front of a field, in a record whose fields all have one length. */
  offsetOf(index: number): number {
    let offset = 0;
    for (let i = 0; i < index; i++) offset += this.fields[i]!.length;
    return offset;
  }

  /** Whether it says the same as another, which it then need not replace. */
  equals({ specs, scopeCount, isOptions, dialect }: TemplateHead): boolean {
    return (
      scopeCount === this.scopeCount &&
      isOptions === this.isOptions &&
      dialect === this.dialect &&
      specs === this.specs
    );
  }

  #parse(): WireField[] {
    const { specs } = this;
    const word = (at: number): number => (specs.charCodeAt(at) << 8) | specs.charCodeAt(at + 1);
    const fields: WireField[] = [];
    this.#least = 0;
    for (let i = 0, at = 0; i < this.fieldCount; i++) {
      const first = word(at);
      const length = word(at + 2);
      const hasEnterprise = this.dialect === "ipfix" && (first & ENTERPRISE) !== 0;
      fields.push({
        enterprise: hasEnterprise ? word(at + 4) * 65_536 + word(at + 6) : 0,
        number: hasEnterprise ? first & ~ENTERPRISE : first,
        length,
        isScope: i < this.scopeCount,
      });
      at += hasEnterprise ? 8 : 4;
      if (length === VARIABLE) this.#isFixed = false;
      this.#least += length === VARIABLE ? 1 : length;
    }
    return fields;
  }

  /**
   * Where the fields of a record lie: for field i its value is at `spans[2 * i]`, of `spans[2 * i + 1]` bytes.
   * @returns where the record ends; -1 when it is longer than there is
   */
  locate(view: DataView, at: number, end: number, spans: Int32Array): number {
    let next = at;
    const { fields } = this;
    for (let i = 0; i < fields.length; i++) {
      let { length } = fields[i]!;
      if (length === VARIABLE) {
        if (next >= end) return -1;
        length = view.getUint8(next++);
        if (length === 255) {
          if (next + 2 > end) return -1;
          length = view.getUint16(next);
          next += 2;
        }
      }
      spans[2 * i] = next;
      spans[2 * i + 1] = length;
      next += length;
      if (next > end) return -1;
    }
    return next;
  }
}

/** Where the specifications of so many fields end; -1 when they do not end before `end`. */
export function endOfSpecs(
  view: DataView,
  at: number,
  { end, count, dialect }: { end: number; count: number; dialect: Dialect },
): number {
  if (count > FIELDS_MAX) return -1;
  let next = at;
  for (let i = 0; i < count; i++) {
    if (next + 4 > end) return -1;
    const hasEnterprise = dialect === "ipfix" && (view.getUint16(next) & ENTERPRISE) !== 0;
    next += hasEnterprise ? 8 : 4;
  }
  return next > end ? -1 : next;
}

/** Whether plain data, as from a file, is a template: numbers in their ranges, and as many fields as it says. */
export function isWhole({ id, dialect, fieldCount, scopeCount, specs }: TemplateHead): boolean {
  const isCount = (value: number, max: number): boolean =>
    Number.isInteger(value) && value >= 0 && value <= max;
  if (!isCount(id, 65_535) || !isCount(fieldCount, FIELDS_MAX) || !isCount(scopeCount, fieldCount))
    return false;
  if (dialect !== "netflow" && dialect !== "ipfix") return false;
  const bytes = Uint8Array.from(specs, (character) => character.charCodeAt(0));
  const end = bytes.byteLength;
  return endOfSpecs(new DataView(bytes.buffer), 0, { end, count: fieldCount, dialect }) === end;
}
