// SPDX-License-Identifier: BSD-3-Clause
import type { NfdumpFile } from "./file-reader.ts";
import { FlowRecord } from "./flow-record.ts";
import { RECORD, RECORD_HEAD_BYTES } from "./format.ts";

/** Walks over the flows of a file. What is no flow is passed over and counted. */
export class FlowCursor {
  /** The flow it stands on. */
  readonly flow = new FlowRecord();
  /** Records that contradict themselves; the rest of a block whose next record cannot be found is one. */
  malformed = 0;
  /** Records that are no flows: of exporters, samplers, applications. */
  others = 0;
  #file: NfdumpFile | undefined;
  #at = 0;
  #length = 0;

  /** Begin with a file. */
  open(file: NfdumpFile): void {
    this.#file = file;
    this.#at = 0;
    this.#length = 0;
    this.flow.forget();
  }

  /**
   * Step to the next flow; false at the end of the file.
   * @throws {NemeanError} as {@link NfdumpFile.next}
   */
  next(): boolean {
    const file = this.#file;
    if (!file) return false;
    for (;;) {
      if (this.#at >= this.#length) {
        if (!file.next()) return false;
        this.#at = 0;
        this.#length = file.length;
      } else if (this.#take(file.view)) return true;
    }
  }

  /** Take the record where it stands, and step behind it; whether it is a flow. */
  #take(view: DataView): boolean {
    const at = this.#at;
    const left = this.#length - at;
    const size = left < RECORD_HEAD_BYTES ? 0 : view.getUint16(at + 2, true);
    if (size < RECORD_HEAD_BYTES || size > left) {
      this.malformed++;
      this.#at = this.#length;
      return false;
    }
    this.#at = at + size;
    switch (view.getUint16(at, true)) {
      case RECORD.v3:
        return this.#counted(this.flow.takeV3(view, at, size));
      case RECORD.common0:
      case RECORD.common:
        return this.#counted(this.flow.takeV1(view, at, size));
      case RECORD.extensionMap:
        this.#counted(this.flow.takeMap(view, at, size));
        return false;
      default:
        this.others++;
        return false;
    }
  }

  #counted(isGood: boolean): boolean {
    if (!isGood) this.malformed++;
    return isGood;
  }
}
