// SPDX-License-Identifier: BSD-3-Clause
import { EVIDENCE_MAX, type EvidenceFlow } from "../alert.ts";
import { Batch } from "../batch.ts";
import { type AnyReader, plainRecord, reader } from "../unirec/reader.ts";
import type { Template } from "../unirec/template.ts";
import { RecordWriter } from "../unirec/writer.ts";
import type { StateStore } from "./state-store.ts";

/** Longest record kept whole; of a longer one only the fields of fixed size are kept. */
const RECORD_BYTES = 256;

/**
 * The last {@link EVIDENCE_MAX} flows of the rows that matter, as copies of their records.
 *
 * Of a record the declared fields are kept, in the declared layout: a sender may have any others, and
 * another layout after a restart.
 *
 * Rows share a bounded number of slots; when all are taken the one in use for longest is given away, so
 * evidence may be incomplete under a flood of suspects, and detection is not.
 */
export class Evidence {
  readonly #slots: number;
  /** Records ever kept in a slot; the slot's owner, to notice that it was given away; slots ever taken. */
  readonly #kept: Uint32Array;
  readonly #owner: Int32Array;
  readonly #taken: Uint32Array;
  readonly #template: Template;
  readonly #stride: number;
  readonly #record: RecordWriter;
  /** Over all slots: records are composed and read where they are kept. */
  readonly #batch: Batch;

  constructor(name: string, slots: number, template: Template, state: StateStore) {
    this.#slots = slots;
    this.#template = template;
    this.#stride = 2 + Math.max(RECORD_BYTES, template.fixedSize);
    this.#record = new RecordWriter(template);
    // The layout is part of the name, and so of the schema: another version's records are not read.
    const kept = `${name}.bytes of ${template.spec}`;
    const bytes = state.column(kept, "uint8", slots * EVIDENCE_MAX * this.#stride);
    this.#batch = new Batch(bytes.buffer);
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
    const batch = this.#at(slot, this.#kept[slot]!++ % EVIDENCE_MAX);
    const record = this.#record.begin().copyFrom(cursor);
    if (record.size <= this.#stride - 2) record.end(batch);
    else batch.bytes.set(record.fixed, batch.push(this.#template.fixedSize));
  }

  /** The kept flows, oldest first; none when the slot was given away. */
  flows(slot: number, row: number): EvidenceFlow[] {
    if (this.#owner[slot] !== row + 1) return [];
    const kept = this.#kept[slot]!;
    const count = Math.min(kept, EVIDENCE_MAX);
    const cursor = reader(this.#template) as AnyReader;
    const flows: EvidenceFlow[] = [];
    for (let i = kept - count; i < kept; i++) {
      const batch = this.#at(slot, i % EVIDENCE_MAX);
      batch.length = 2 + batch.view.getUint16(batch.start);
      cursor.reset(batch);
      if (cursor.next()) flows.push(plainRecord(cursor, this.#template));
    }
    return flows;
  }

  /** The batch, empty, at the place of a slot's record. */
  #at(slot: number, i: number): Batch {
    const batch = this.#batch;
    batch.start = (slot * EVIDENCE_MAX + i) * this.#stride;
    batch.clear();
    return batch;
  }
}
