// SPDX-License-Identifier: BSD-3-Clause
import type { FrameHandler } from "./packet/frames.ts";

/** Where frames come from, driven by its reader: files, a generator, a capture interface. */
export interface FrameSource extends Disposable {
  /** Shown in statistics, and as the interface of alerts. */
  readonly name: string;
  readonly kind: "live" | "file" | "generator";
  /** Hand on some frames; false once there are no more. The call that ends may still have handed on some. */
  step(onFrames: FrameHandler): boolean;
  /** From 0 to 1, for a source whose size is known. */
  readonly progress?: number | undefined;
  /** Why it ended early; what it gave before is good. */
  readonly failure?: Error | undefined;
}
