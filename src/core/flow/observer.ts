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
  /** Whether {@link splits} is to be asked. */
  readonly splitting: boolean;
  /** Whether the packet begins another flow: the one in the record then ends before it. */
  splits(sighting: Sighting): boolean;
  /** Whether the flow ends with this packet. */
  packet(sighting: Sighting): boolean;
}

export interface FlowTableOptions {
  /** Microseconds after its first packet at which a flow that goes on is exported and begun anew. */
  readonly active: number;
  /** Microseconds without a packet after which a flow has ended. */
  readonly idle: number;
  /** Microseconds for which a TCP flow that saw RST or FIN from both sides waits for stragglers; idle when left out. */
  readonly linger?: number;
  /** Microseconds after its first packet at which a flow that is still {@link isBrief} has ended; as others do when left out. */
  readonly brief?: number;
  /** Most flows at once; a new one then makes an old one leave (flowEndReason 5). */
  readonly capacity: number;
}

/** Takes a flow that leaves the table: the record's number and its flowEndReason. Its columns are valid until return. */
export type ExportHandler = (record: number, reason: number) => void;
