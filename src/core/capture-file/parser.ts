// SPDX-License-Identifier: BSD-3-Clause

/**
 * A capture format, as a machine that is pushed bytes and takes whole records.
 *
 * It never throws for what the bytes say: it stops at the record that cannot be read and tells why.
 */
export interface CaptureParser {
  /**
   * Take every whole record of `view` between the offsets `from` and `to`, and hand its frames on.
   * Returns the offset of the first byte that was not taken; it comes again, first, in the next call.
   */
  parse(view: DataView, from: number, to: number): number;
  /** Offset in the capture of the first byte that was not taken. */
  readonly position: number;
  /** Bytes that the record at `position` takes; 0 when too little of it is there to tell. */
  readonly need: number;
  /** Why the record at `position` cannot be read. Empty while all is well. */
  readonly damage: string;
  /** Records that were read and carry no packet: statistics, names, blocks of other makers. */
  readonly skipped: number;
  /** Packets that were dropped: their record contradicts itself, or its version is unknown. */
  readonly dropped: number;
  /** Where and why the first packet was dropped. Empty when none was. */
  readonly droppedFirst: string;
}

/**
 * Largest packet a capture may hold: libpcap's MAXIMUM_SNAPLEN, 256 KiB. More is damage, since a
 * length that was overwritten would otherwise swallow the rest of the file.
 */
export const CAPTURED_MAX = 262_144;
