// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, writeSync } from "node:fs";

const BUFFER_SIZE = 8 << 20;
const RECORD_HEADER_SIZE = 16;

/**
 * Writes a classic little-endian microsecond pcap file through one large buffer.
 * The caller fills the frame in place: `begin` gives the offset in `bytes`.
 */
export class PcapWriter {
  readonly bytes = new Uint8Array(BUFFER_SIZE);
  readonly view = new DataView(this.bytes.buffer);
  /** Bytes of the file so far, the file header included. */
  size = 24;
  private used = 24;
  private readonly fd: number;

  constructor(path: string, snapshotLength: number) {
    this.fd = openSync(path, "w");
    this.view.setUint32(0, 0xa1b2c3d4, true);
    this.view.setUint16(4, 2, true);
    this.view.setUint16(6, 4, true);
    this.view.setUint32(16, snapshotLength, true);
    this.view.setUint32(20, 1, true); // LINKTYPE_ETHERNET
  }

  /**
   * Writes a record header and gives the offset where `captured` bytes of the frame belong.
   * They hold what an earlier record left there; `microseconds` count from the epoch.
   */
  begin(microseconds: number, captured: number, length: number): number {
    if (this.used + RECORD_HEADER_SIZE + captured > BUFFER_SIZE) this.flush();
    const { view, used } = this;
    const seconds = Math.floor(microseconds / 1e6);
    view.setUint32(used, seconds, true);
    view.setUint32(used + 4, microseconds - seconds * 1e6, true);
    view.setUint32(used + 8, captured, true);
    view.setUint32(used + 12, length, true);
    this.used = used + RECORD_HEADER_SIZE + captured;
    this.size += RECORD_HEADER_SIZE + captured;
    return used + RECORD_HEADER_SIZE;
  }

  close(): void {
    this.flush();
    closeSync(this.fd);
  }

  private flush(): void {
    let written = 0;
    while (written < this.used) {
      written += writeSync(this.fd, this.bytes, written, this.used - written);
    }
    this.used = 0;
  }
}
