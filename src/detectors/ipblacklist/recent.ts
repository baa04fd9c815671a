// SPDX-License-Identifier: BSD-3-Clause
import { Batch } from "../../core/batch.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import { CopyPlan } from "../../core/unirec/copy-plan.ts";
import { type AnyReader, reader } from "../../core/unirec/reader.ts";
import { fieldOf, type Reader, type Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { basic, type Flows, flows } from "./fields.ts";

/** Looks through all that is kept, in a second of event time: one costs as much as some thousand flows. */
const LOOKS_MAX = 16;
const STRIDE = 2 + basic.fixedSize;
const SOURCE = fieldOf(basic, "SRC_IP")!.offset;
const TARGET = fieldOf(basic, "DST_IP")!.offset;

/**
 * The latest flows, as copies of their records. A flow of DNS is over when nothing has come for a while, one of TCP at
 * its last packet: so contact to an address is often known of before the answer that it follows.
 */
export class Recent {
  readonly #rows: number;
  readonly #count: (counter: string) => void;
  readonly #batch: Batch;
  /** The place of the next flow; a second of event time, and how often was looked in it. */
  readonly #next: Uint32Array;
  readonly #looks: Float64Array;
  /** What the sender's records have of what is kept. */
  #plan = new CopyPlan(undefined, basic);
  /** Of the class that flows of the input have, so that what takes both sees one. */
  readonly #cursor = reader(flows, basic);

  constructor(state: StateStore, rows: number, count: (counter: string) => void) {
    this.#rows = rows;
    this.#count = count;
    this.#batch = new Batch(state.column("recent", "uint8", rows * STRIDE).buffer);
    this.#next = state.column("recentNext", "uint32", 1);
    this.#looks = state.column("recentLooks", "float64", 2);
  }

  add({ layout, view, at }: AnyReader): void {
    if (this.#plan.layout !== layout) this.#negotiate(layout);
    const slot = this.#next[0]!;
    this.#next[0] = slot + 1 === this.#rows ? 0 : slot + 1;
    this.#plan.copy(view, at, this.#batch.view, slot * STRIDE + 2);
  }

  /** Fields that a sender lacks are zero: those of another one do not stay. */
  #negotiate(layout: Template): void {
    const former = this.#plan.layout;
    if (former && former.spec !== layout.spec) this.#batch.bytes.fill(0);
    this.#plan = new CopyPlan(layout, basic);
  }

  /** Visit the flows with an address, which are forgotten then; `now` is the event time of whoever asks. */
  take(ip: Ip, now: number, visit: (flow: Reader<Flows>) => void): void {
    if (!this.#mayLook(now)) return;
    const { view } = this.#batch;
    for (let slot = 0; slot < this.#rows; slot++) {
      const at = slot * STRIDE + 2;
      if (!isAt(view, at + SOURCE, ip) && !isAt(view, at + TARGET, ip)) continue;
      const batch = this.#batch;
      batch.start = slot * STRIDE;
      batch.length = STRIDE;
      view.setUint16(batch.start, basic.fixedSize);
      this.#cursor.reset(batch);
      if (this.#cursor.next()) visit(this.#cursor);
      batch.bytes.fill(0, at, at + basic.fixedSize);
    }
  }

  #mayLook(now: number): boolean {
    const looks = this.#looks;
    const second = Math.floor(now / SECOND);
    if (second > looks[0]!) {
      looks[0] = second;
      looks[1] = 0;
    }
    if (looks[1]!++ < LOOKS_MAX) return true;
    this.#count("looks_back_skipped");
    return false;
  }
}

const isAt = (view: DataView, at: number, { w0, w1, w2, w3 }: Ip): boolean =>
  view.getInt32(at + 8, true) === w2 &&
  view.getInt32(at + 12, true) === w3 &&
  view.getInt32(at, true) === w0 &&
  view.getInt32(at + 4, true) === w1;
