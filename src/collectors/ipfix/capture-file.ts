// SPDX-License-Identifier: BSD-3-Clause
import { CaptureReader } from "../../core/capture-file/reader.ts";
import { PacketDecoder } from "../../core/packet/decoder.ts";
import { ExportTraffic } from "./export-traffic.ts";
import type { DatagramHandler, FileInput } from "./input.ts";

/** Messages that a capture has of an exporter's traffic: pcap or pcapng, compressed or not. */
export class CaptureFile implements FileInput {
  readonly text: string;
  readonly #reader: CaptureReader;
  readonly #decoder = new PacketDecoder({ tunnels: false });
  readonly #traffic: ExportTraffic;

  /** @throws {NemeanError} ERR_INPUT, ERR_CAPTURE_FORMAT */
  constructor(
    { text, path }: { text: string; path: string },
    onDatagram: DatagramHandler,
    warn: (message: string) => void,
  ) {
    this.text = text;
    this.#traffic = new ExportTraffic(onDatagram);
    this.#reader = CaptureReader.open(
      path,
      (frames) => {
        this.#decoder.decode(frames);
        this.#traffic.take(this.#decoder, frames);
      },
      { onWarning: ({ message }) => warn(message) },
    );
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#traffic.counts;
  }

  step(): boolean {
    return this.#reader.readChunk();
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}
