// SPDX-License-Identifier: BSD-3-Clause
import type { ByteSource } from "./byte-source.ts";
import { type CaptureSummary, readCapture } from "./reader.ts";

/** For tests: a capture in memory that comes by pieces of any size, as a pipe may give it. */
export class MemorySource implements ByteSource {
  bytesRead = 0;
  damage = "";
  closed = 0;
  private readonly bytes: Uint8Array;
  private readonly pieceSize: number;
  private readonly damageAtEnd: string;

  constructor(bytes: Uint8Array, pieceSize = bytes.length, damageAtEnd = "") {
    this.bytes = bytes;
    this.pieceSize = pieceSize;
    this.damageAtEnd = damageAtEnd;
  }

  read(target: Uint8Array, offset: number, size: number): number {
    const end = Math.min(this.bytesRead + Math.min(size, this.pieceSize), this.bytes.length);
    const piece = this.bytes.subarray(this.bytesRead, end);
    target.set(piece, offset);
    this.bytesRead = end;
    if (piece.length === 0) this.damage = this.damageAtEnd;
    return piece.length;
  }

  close(): void {
    this.closed++;
  }
}

/** A frame as tests compare it. */
export interface Frame {
  readonly linkType: number;
  readonly time: number;
  readonly length: number;
  readonly hex: string;
}

export interface Collected {
  readonly frames: Frame[];
  /** Frames of each batch. */
  readonly batches: number[];
  readonly warnings: string[];
  readonly summary: CaptureSummary;
}

/** For tests: everything that a capture gives. Messages call it "test.pcap". */
export function collect(input: ByteSource | Uint8Array): Collected {
  const source = input instanceof Uint8Array ? new MemorySource(input) : input;
  const frames: Frame[] = [];
  const batches: number[] = [];
  const warnings: string[] = [];
  const summary = readCapture(
    source,
    (batch) => {
      batches.push(batch.count);
      const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
      for (let index = 0; index < batch.count; index++) {
        const start = batch.start[index]!;
        frames.push({
          linkType: batch.linkType,
          time: batch.time[index]!,
          length: batch.length[index]!,
          hex: bytes.toString("hex", start, start + batch.captured[index]!),
        });
      }
    },
    { name: "test.pcap", onWarning: (warning) => warnings.push(warning.message) },
  );
  return { frames, batches, warnings, summary };
}
