// SPDX-License-Identifier: BSD-3-Clause
import { CaptureReader } from "../../core/capture-file/reader.ts";
import { PacketDecoder } from "../../core/packet/decoder.ts";
import type { FrameBatch } from "../../core/packet/frames.ts";
import { ROW, WORD } from "../../core/packet/row.ts";
import { Exporters } from "./exporters.ts";
import type { FileInput, MessageHandler } from "./input.ts";

const UDP = 17;
const UDP_HEAD_BYTES = 8;
/** Bits of a row's kind: the protocol. */
const PROTOCOL = 0xff;
const IS_IPV6 = 0x100;
const VERSIONS: readonly number[] = [1, 5, 7, 9, 10];

/** Messages that a capture has of an exporter's traffic: pcap or pcapng, compressed or not. All UDP that begins as flow export does is taken. */
export class CaptureFile implements FileInput {
  readonly text: string;
  readonly #reader: CaptureReader;
  readonly #decoder = new PacketDecoder({ tunnels: false });
  readonly #exporters = new Exporters();
  readonly #onMessage: MessageHandler;
  #datagrams = 0;
  #truncated = 0;

  /** @throws {NemeanError} ERR_INPUT, ERR_CAPTURE_FORMAT */
  constructor(
    { text, path }: { text: string; path: string },
    onMessage: MessageHandler,
    warn: (message: string) => void,
  ) {
    this.text = text;
    this.#onMessage = onMessage;
    this.#reader = CaptureReader.open(path, (frames) => this.#take(frames), {
      onWarning: ({ message }) => warn(message),
    });
  }

  get counts(): Readonly<Record<string, number>> {
    return { datagrams: this.#datagrams, datagrams_truncated: this.#truncated };
  }

  step(): boolean {
    return this.#reader.readChunk();
  }

  #take(frames: FrameBatch): void {
    const decoder = this.#decoder;
    decoder.decode(frames);
    for (let i = 0; i < decoder.count; i++) this.#datagram(frames, i * ROW);
  }

  #datagram({ view }: FrameBatch, row: number): void {
    const { rows } = this.#decoder;
    const kind = rows[row + WORD.kind]!;
    const at = rows[row + WORD.transport]!;
    const from = at + UDP_HEAD_BYTES;
    const there = rows[row + WORD.end]! - from;
    if ((kind & PROTOCOL) !== UDP || there < 2 || !VERSIONS.includes(view.getUint16(from))) return;
    const said = view.getUint16(at + 4) - UDP_HEAD_BYTES;
    this.#datagrams++;
    // Cut by the capture, or the first of several fragments.
    if (said > there) this.#truncated++;
    const ip = rows[row + WORD.ip]!;
    const exporter =
      (kind & IS_IPV6) === 0
        ? this.#exporters.ofV4(view, ip + 12)
        : this.#exporters.ofV6(view, ip + 8);
    const length = Math.min(said, there);
    if (length > 0)
      this.#onMessage(new DataView(view.buffer, view.byteOffset + from, length), exporter, length);
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}
