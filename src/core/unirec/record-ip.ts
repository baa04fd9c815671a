// SPDX-License-Identifier: BSD-3-Clause
import { ipText, sameIp } from "./ip.ts";
import type { Ip, IpField } from "./types.ts";

const EMPTY = new DataView(new ArrayBuffer(16));

/** An address where it lies in a record; its cursor moves it from record to record. */
export class RecordIp implements IpField {
  view = EMPTY;
  at = 0;

  get w0(): number {
    return this.view.getInt32(this.at, true);
  }

  get w1(): number {
    return this.view.getInt32(this.at + 4, true);
  }

  get w2(): number {
    return this.view.getInt32(this.at + 8, true);
  }

  get w3(): number {
    return this.view.getInt32(this.at + 12, true);
  }

  get isV4(): boolean {
    const { view, at } = this;
    return (
      view.getInt32(at + 12, true) === -1 &&
      view.getInt32(at, true) === 0 &&
      view.getInt32(at + 4, true) === 0
    );
  }

  get v4(): number {
    return this.view.getUint32(this.at + 8);
  }

  equals(other: Ip): boolean {
    return sameIp(this, other);
  }

  toString(): string {
    return ipText(this);
  }
}

/** What a cursor gives for an address that its sender's records do not have: `::`. */
export const ABSENT_IP: IpField = new RecordIp();
