// SPDX-License-Identifier: BSD-3-Clause
import { EVIDENCE_MAX, type EvidenceFlow } from "../alert.ts";
import { Batch } from "../batch.ts";
import { type AnyReader, plainRecord, reader } from "../unirec/reader.ts";
import type { Template } from "../unirec/template.ts";
import type { StateStore } from "./state-store.ts";

/** Longest record kept whole; of a longer one only the fixed part is kept. */
const RECORD_BYTES = 256;

/**
 * The last {@link EVIDENCE_MAX} flows of the rows that matter, as copies of their records.
 *
 * Rows share a bounded number of slots; when all are taken the one in use for longest is given away, so
 * evidence may be incomplete under a flood of suspects, and detection is not.
 */
export class Evidence {
  readonly #slots: number;
  readonly #bytes: Uint8Array;
  /** Records ever kept in a slot; the slot's owner, to notice that it was given away; slots ever taken. */
  readonly #kept: Uint32Array;
  readonly #owner: Int32Array;
  readonly #taken: Uint32Array;
  readonly #template: Template;
  readonly #stride: number;
  /** Layout of the kept records. */
  #layout: Template;

  constructor(name: string, slots: number, template: Template, state: StateStore) {
    this.#slots = slots;
    this.#template = template;
    this.#layout = template;
    this.#stride = 2 + Math.max(RECORD_BYTES, template.fixedSize);
    this.#bytes = state.column(`${name}.bytes`, "uint8", slots * EVIDENCE_MAX * this.#stride);
    this.#kept = state.column(`${name}.kept`, "uint32", slots);
    this.#owner = state.column(`${name}.owner`, "int32", slots);
    this.#taken = state.column(`${name}.taken`, "uint32", 1);
  }

  /** A slot for `row`: an index from 0. */
  take(row: number): number {
    const slot = this.#taken[0]!++ % this.#slots;
    this.#owner[slot] = row + 1;
    this.#kept[slot] = 0;
    return slot;
  }

  /** Keep a copy of the record under the cursor. */
  keep(slot: number, row: number, cursor: AnyReader): void {
    if (this.#owner[slot] !== row + 1) return;
    if (cursor.layout !== this.#layout) this.#forget(cursor.layout);
    const at = this.#offset(slot, this.#kept[slot]!++ % EVIDENCE_MAX);
    const size = cursor.size <= this.#stride - 2 ? cursor.size : cursor.layout.fixedSize;
    this.#bytes[at] = size >>> 8;
    this.#bytes[at + 1] = size & 255;
    for (let i = 0; i < size; i++) this.#bytes[at + 2 + i] = cursor.view.getUint8(cursor.at + i);
  }

  /** The kept flows, oldest first; none when the slot was given away. */
  flows(slot: number, row: number): EvidenceFlow[] {
    if (this.#owner[slot] !== row + 1) return [];
    const kept = this.#kept[slot]!;
    const count = Math.min(kept, EVIDENCE_MAX);
    const cursor = reader(this.#template, this.#layout);
    const batch = new Batch(new ArrayBuffer(this.#stride));
    batch.start = 0;
    const flows: EvidenceFlow[] = [];
    for (let i = kept - count; i < kept; i++) {
      const at = this.#offset(slot, i % EVIDENCE_MAX);
      batch.bytes.set(this.#bytes.subarray(at, at + this.#stride));
      batch.length = 2 + batch.view.getUint16(0);
      cursor.reset(batch);
      if ((cursor as AnyReader).next()) flows.push(plainRecord(cursor, this.#template));
    }
    return flows;
  }

  /** The sender renegotiated: records of the former layout cannot be read any more. */
  #forget(layout: Template): void {
    this.#layout = layout;
    this.#kept.fill(0);
  }

  #offset(slot: number, i: number): number {
    return (slot * EVIDENCE_MAX + i) * this.#stride;
  }
}
