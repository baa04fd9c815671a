// SPDX-License-Identifier: BSD-3-Clause
import { checkInteger } from "./pcap-error.ts";

/**
 * Where `Pcap.readBatch()` puts packets: one column per field, and the packets' bytes back to back.
 *
 * Any object of this shape will do; the shortest column bounds how many packets fit. The memory is
 * the caller's, so nothing in it can dangle, and the next `readBatch()` overwrites it.
 *
 *     bytes   │packet 0     │packet 1 │packet 2          │ free …
 *             ▲ start[0]    ▲ start[1]▲ start[2]
 */
export interface PacketColumns {
  readonly bytes: Uint8Array;
  /** Packets that lie in the batch now. */
  count: number;
  /** Offset in `bytes` of each packet's first byte. */
  readonly start: Int32Array;
  /** Bytes captured of each packet, all of them in `bytes`. */
  readonly captured: Int32Array;
  /** Bytes of each packet on the wire; a file may claim anything, even less than was captured. */
  readonly length: Int32Array;
  /** Capture time in whole microseconds since 1970, exact in a double. */
  readonly time: Float64Array;
}

/** Columns of a chosen size. 256 packets and 1 MiB suit both small packets and full frames. */
export class PacketBatch implements PacketColumns {
  readonly bytes: Uint8Array;
  count = 0;
  readonly start: Int32Array;
  readonly captured: Int32Array;
  readonly length: Int32Array;
  readonly time: Float64Array;

  /**
   * @param packetsMax Most packets of one batch, from 1.
   * @param bytesMax Size of `bytes`; at least the snaplen, or a packet may not fit at all.
   * @throws {PcapError} ERR_PCAP_ARGUMENT
   */
  constructor(packetsMax = 256, bytesMax = 1 << 20) {
    checkInteger("packetsMax", packetsMax, 1, 1 << 24);
    checkInteger("bytesMax", bytesMax, 1, 0x7fffffff);
    this.bytes = new Uint8Array(new ArrayBuffer(bytesMax));
    this.start = new Int32Array(packetsMax);
    this.captured = new Int32Array(packetsMax);
    this.length = new Int32Array(packetsMax);
    this.time = new Float64Array(packetsMax);
  }
}
