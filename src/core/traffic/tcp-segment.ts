// SPDX-License-Identifier: BSD-3-Clause
import type { Block } from "./payload.ts";

/** Control bits (RFC 9293 section 3.1). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** The TCP header of the next segment; one is filled again and again. */
export class TcpSegment {
  sourcePort = 0;
  targetPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  window = 64240;
  /** The payload is the first `size` bytes of it. */
  block: Block | undefined;
  size = 0;
}
