// SPDX-License-Identifier: BSD-3-Clause
import { reserve } from "../memory.ts";
import type { Template } from "../unirec/template.ts";
import { Evidence } from "./evidence.ts";
import { Table, type TableOptions } from "./table.ts";

const KINDS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;
type Kinds = { [K in keyof typeof KINDS]: InstanceType<(typeof KINDS)[K]> };
type Column = Kinds[keyof Kinds];

/** Marks a saved state, then its format's version. */
const MAGIC = "NEMEANST1\n";
const CHECKSUM_BYTES = 8;

/**
 * A module's state: named columns of typed arrays, all taken in `setup`, none later.
 *
 * Since the columns are all there is, the core can write them to a file at a graceful stop and read them
 * back at start. Names, kinds and lengths are the schema: a saved state of another schema is not read.
 */
export class StateStore {
  readonly #columns = new Map<string, Column>();
  readonly #count: (counter: string, by?: number) => void;

  constructor(count: (counter: string, by?: number) => void) {
    this.#count = count;
  }

  /** A column of `length` numbers, zero at first. */
  column<K extends keyof Kinds>(name: string, kind: K, length: number): Kinds[K] {
    if (this.#columns.has(name)) throw new Error(`state column ${name} is declared twice`);
    const Kind = KINDS[kind];
    const column = new Kind(reserve(length * Kind.BYTES_PER_ELEMENT)) as Kinds[K];
    this.#columns.set(name, column);
    return column;
  }

  /** A bounded table from keys to rows. */
  table(name: string, options: TableOptions): Table {
    return new Table(name, options, this, this.#count);
  }

  /** The last flows of up to `slots` rows, to show with an alert. */
  evidence(name: string, slots: number, template: Template): Evidence {
    return new Evidence(name, slots, template, this);
  }

  /** Bytes of all columns. */
  get byteLength(): number {
    return [...this.#columns.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  get #schema(): string {
    return [...this.#columns]
      .map(([name, c]) => `${name}:${c.constructor.name}:${c.length}`)
      .join(",");
  }

  /** What a saved state begins with when this store can read it. */
  get #head(): Uint8Array {
    return new TextEncoder().encode(`${MAGIC}${this.#schema}\n`);
  }

  /**
   * The state as bytes: schema, checksum, then the columns, compressed (most rows of most tables are zero).
   * The checksum is ours: the compressor writes none and unpacks 19 of 20 damaged states without a word,
   * and links between rows that lead in a circle would never end.
   */
  save(): Uint8Array {
    const body = new Uint8Array(this.byteLength);
    let at = 0;
    for (const column of this.#columns.values()) {
      body.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
      at += column.byteLength;
    }
    const packed = Bun.zstdCompressSync(body, { level: 1 });
    return Buffer.concat([this.#head, checksum(packed), packed]);
  }

  /** Take a saved state; false, with nothing changed, when it is of another schema or damaged. */
  restore(saved: Uint8Array): boolean {
    const head = this.#head;
    const packed = saved.subarray(head.length + CHECKSUM_BYTES);
    const expected = Buffer.concat([head, checksum(packed)]);
    if (!expected.equals(saved.subarray(0, expected.length))) return false;
    let body: Uint8Array;
    try {
      body = Bun.zstdDecompressSync(packed);
    } catch {
      return false;
    }
    if (body.length !== this.byteLength) return false;
    let at = 0;
    for (const column of this.#columns.values()) {
      new Uint8Array(column.buffer, column.byteOffset, column.byteLength).set(
        body.subarray(at, at + column.byteLength),
      );
      at += column.byteLength;
    }
    return true;
  }
}

function checksum(packed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHECKSUM_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, Bun.hash.xxHash64(packed));
  return bytes;
}
