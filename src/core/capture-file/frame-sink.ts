// SPDX-License-Identifier: BSD-3-Clause
import { FRAMES_MAX, FrameBatch, type FrameHandler } from "../packet/frames.ts";

/** Gathers the frames that a parser finds into batches, and counts what was handed on. */
export class FrameSink {
  readonly batch = new FrameBatch();
  /** Frames handed on so far. */
  packets = 0;
  /** Their bytes on the wire. */
  bytes = 0;
  private readonly onFrames: FrameHandler;

  constructor(onFrames: FrameHandler) {
    this.onFrames = onFrames;
  }

  /** Make room for a frame of this link type. All frames of a batch have the same one. */
  admit(linkType: number): void {
    const { batch } = this;
    if (batch.count === FRAMES_MAX || batch.linkType !== linkType) this.flush();
    batch.linkType = linkType;
  }

  /** Hand on what there is: the bytes under the batch are about to move. */
  flush(): void {
    const { batch } = this;
    if (batch.count === 0) return;
    this.packets += batch.count;
    for (let index = 0; index < batch.count; index++) this.bytes += batch.length[index]! >>> 0;
    this.onFrames(batch);
    batch.count = 0;
  }
}
