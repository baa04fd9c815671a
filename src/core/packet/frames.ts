// SPDX-License-Identifier: BSD-3-Clause

/** Frames in one batch: parse all, touch all, update all. few enough that their rows and records stay in the cache. */
export const FRAMES_MAX = 256;

/**
 * A batch of captured frames: where each lies in `bytes`, not copies of them.
 *
 * A collector fills it and hands it to a {@link FrameHandler}; the frames are valid until the handler
 * returns. All frames of a batch have the same link type, and lie in the same buffer.
 */
export class FrameBatch {
  /** The buffer the frames lie in, and a view of exactly the same bytes. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** LINKTYPE_ value of the capture file format (1 is Ethernet). */
  linkType = 1;
  count = 0;
  /** Offset of each frame's first byte in `bytes`. */
  readonly start = new Int32Array(FRAMES_MAX);
  /** Bytes captured of each frame; they all lie inside `bytes`. */
  readonly captured = new Int32Array(FRAMES_MAX);
  /** Bytes of each frame on the wire. */
  readonly length = new Int32Array(FRAMES_MAX);
  /** Capture time in whole microseconds since 1970, exact in a double. */
  readonly time = new Float64Array(FRAMES_MAX);

  /** Point the batch at another buffer, without frames. */
  use(bytes: Uint8Array, linkType: number): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.linkType = linkType;
    this.count = 0;
  }
}

/** Takes a batch of frames; may not keep a reference to it or to its bytes. */
export type FrameHandler = (frames: FrameBatch) => void;

/** Bytes of a packet at `at` that does not say it itself: up to the end of the frame on the wire. */
export function restOfFrame(frames: FrameBatch, i: number, at: number): number {
  // A frame's length is what the capture says: it may be too short, or too large for a row.
  const length = Math.max(frames.length[i]! >>> 0, frames.captured[i]!);
  return Math.min(length - (at - frames.start[i]!), 0x7fff_ffff);
}
