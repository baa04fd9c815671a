// SPDX-License-Identifier: BSD-3-Clause
import type { CryptoStream } from "./crypto-stream.ts";
import { VarintCursor } from "./varint.ts";

/** Frames that an Initial packet may have (RFC 9000 section 12.4). */
const FRAME = { padding: 0, ping: 1, ack: 2, ackEcn: 3, crypto: 6, close: 0x1c } as const;
/** Counts of an ACK frame with ECN behind its ranges (RFC 9000 section 19.3.2). */
const ECN_COUNTS = 3;
const cursor = new VarintCursor();

/** Put what CRYPTO frames carry into a stream. Returns whether all frames are such as may be there. */
export function readFrames(frames: Uint8Array, stream: CryptoStream): boolean {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.length);
  cursor.set(view, 0, frames.length);
  while (cursor.at < cursor.end) {
    const type = frames[cursor.at]!;
    cursor.at++;
    if (type === FRAME.padding || type === FRAME.ping) continue;
    if (type === FRAME.crypto) readCrypto(frames, stream);
    else if (type === FRAME.ack) skipAck(0);
    else if (type === FRAME.ackEcn) skipAck(ECN_COUNTS);
    else if (type === FRAME.close) skipClose();
    else return false;
    if (cursor.failed) return false;
  }
  return true;
}

function readCrypto(frames: Uint8Array, stream: CryptoStream): void {
  const offset = cursor.next();
  const size = cursor.next();
  const at = cursor.skip(size);
  if (!cursor.failed) stream.put(frames.subarray(at, at + size), offset);
}

/** Largest, delay, count of ranges, the first one, and a gap and a length for each other (RFC 9000 section 19.3). */
function skipAck(more: number): void {
  cursor.next();
  cursor.next();
  const ranges = cursor.next();
  cursor.next();
  // A count too great ends where the frames do.
  for (let i = 0; i < 2 * ranges + more && !cursor.failed; i++) cursor.next();
}

/** Error, type of the frame that caused it, reason (RFC 9000 section 19.19). */
function skipClose(): void {
  cursor.next();
  cursor.next();
  cursor.skip(cursor.next());
}
