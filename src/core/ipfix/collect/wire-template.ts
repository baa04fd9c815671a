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

/** What a template is, as far as one can tell without looking into it. Plain data: it is kept over restarts. */
export interface TemplateHead {
  readonly id: number;
  readonly dialect: Dialect;
  readonly fieldCount: number;
  /** Scope fields, which come first; 0 for templates of flows. */
  readonly scopeCount: number;
  /** Whether its records tell of the exporter and not of flows. */
  readonly isOptions: boolean;
  /** Its fields as they came. */
  readonly specs: Uint8Array;
}

/** A template, whose fields are looked at when its first record comes. */
export class WireTemplate implements TemplateHead {
  readonly id: number;
  readonly dialect: Dialect;
  readonly fieldCount: number;
  readonly scopeCount: number;
  readonly isOptions: boolean;
  readonly specs: Uint8Array;
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

  /** Bytes of a record at least: of each, where no field is variable. */
  get least(): number {
    return this.fields.length === 0 ? 0 : this.#least;
  }

  get isFixed(): boolean {
    return this.fields.length === 0 || this.#isFixed;
  }

  /** Index of the first field that has an element; -1 when there is none. */
  indexOf(enterprise: number, number: number): number {
    return this.fields.findIndex(
      (field) => field.number === number && field.enterprise === enterprise,
    );
  }

  /** Bytes in front of a field, in a record whose fields all have one length. */
  offsetOf(index: number): number {
    return this.fields.slice(0, index).reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether it says the same as another, which it then need not replace. */
  equals({ specs, scopeCount, isOptions, dialect }: TemplateHead): boolean {
    return (
      scopeCount === this.scopeCount &&
      isOptions === this.isOptions &&
      dialect === this.dialect &&
      Buffer.compare(specs, this.specs) === 0
    );
  }

  #parse(): WireField[] {
    const view = new DataView(this.specs.buffer, this.specs.byteOffset, this.specs.byteLength);
    const fields: WireField[] = [];
    for (let i = 0, at = 0; i < this.fieldCount; i++) {
      const word = view.getUint16(at);
      const length = view.getUint16(at + 2);
      const hasEnterprise = this.dialect === "ipfix" && (word & ENTERPRISE) !== 0;
      fields.push({
        enterprise: hasEnterprise ? view.getUint32(at + 4) : 0,
        number: hasEnterprise ? word & ~ENTERPRISE : word,
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
