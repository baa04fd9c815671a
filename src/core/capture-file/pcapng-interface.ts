// SPDX-License-Identifier: BSD-3-Clause
import { TimeScale } from "./time-scale.ts";

/** What an Interface Description Block says of the packets that name its interface. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Bytes captured of a packet at most; 0 is no limit. */
  readonly snapLength: number;
  readonly scale: TimeScale;
}

/** An Interface Description Block without options. */
export const INTERFACE_BLOCK_SIZE_MIN = 20;

const OPTION_END = 0;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

/**
 * Read the Interface Description Block of `size` bytes at `at` (draft-ietf-opsawg-pcapng 4.2):
 *
 *   | type 4 | size 4 | link type 2 | reserved 2 | snaplen 4 | options ... | size 4 |
 *   option  | code 2 | length 2 | value, padded to 4 ... |
 *
 * Options that overrun the block end the list; what came before them holds.
 */
export function readInterface(
  view: DataView,
  at: number,
  size: number,
  little: boolean,
): CaptureInterface {
  let resolution: number | undefined;
  let offset: number | undefined;
  const end = at + size - 4;
  for (let option = at + 16; option + 4 <= end; ) {
    const code = view.getUint16(option, little);
    const length = view.getUint16(option + 2, little);
    const value = option + 4;
    if (code === OPTION_END || value + length > end) break;
    if (code === OPTION_TSRESOL && length === 1) resolution = view.getUint8(value);
    if (code === OPTION_TSOFFSET && length === 8) {
      const high = view.getInt32(value + (little ? 4 : 0), little);
      offset = high * 2 ** 32 + view.getUint32(value + (little ? 0 : 4), little);
    }
    option = value + ((length + 3) & ~3);
  }
  return {
    linkType: view.getUint16(at + 8, little),
    snapLength: view.getUint32(at + 12, little),
    scale: new TimeScale(resolution, offset),
  };
}
