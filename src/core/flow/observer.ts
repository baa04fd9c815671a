// SPDX-License-Identifier: BSD-3-Clause
import type { FrameBatch } from "../packet/frames.ts";

/** Where a decoded packet and the record of its flow lie. One object, used for all packets. */
export interface Sighting {
  hot: Int32Array;
  record: number;
  rows: Int32Array;
  /** Where the packet's row begins. */
  z: number;
  frames: FrameBatch;
}

/** Looks at each packet beside its flow's record, before it is counted. */
export interface PacketObserver {
  /** Whether the packet begins another flow: the one in the record then ends before it. */
  splits(sighting: Sighting): boolean;
  /** Whether the flow ends with this packet. */
  packet(sighting: Sighting): boolean;
}
