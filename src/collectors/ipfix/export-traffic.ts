// SPDX-License-Identifier: BSD-3-Clause
import type { PacketDecoder } from "../../core/packet/decoder.ts";
import type { FrameBatch } from "../../core/packet/frames.ts";
import { ROW, WORD } from "../../core/packet/row.ts";
import { isSflow } from "../../core/sflow/structures.ts";
import { Exporters } from "./exporters.ts";
import type { DatagramHandler } from "./input.ts";

const UDP = 17;
const UDP_HEAD_BYTES = 8;
/** Bits of a row's kind: the protocol. */
const PROTOCOL = 0xff;
const IS_IPV6 = 0x100;
const VERSIONS: readonly number[] = [1, 5, 7, 9, 10];

/** Messages of exporters among the packets of a capture: all UDP that begins as flow export does, to any port or to some. */
export class ExportTraffic {
  readonly #onDatagram: DatagramHandler;
  readonly #exporters = new Exporters();
  /** By port, whether messages are sent to it; undefined for all ports. */
  readonly #isWanted: Uint8Array | undefined;
  #datagrams = 0;
  #truncated = 0;

  constructor(onDatagram: DatagramHandler, ports?: readonly number[]) {
    this.#onDatagram = onDatagram;
    if (ports) {
      this.#isWanted = new Uint8Array(1 << 16);
      for (const port of ports) this.#isWanted[port] = 1;
    }
  }

  get counts(): Readonly<Record<string, number>> {
    return { datagrams: this.#datagrams, datagrams_truncated: this.#truncated };
  }

  /** Take what a decoder made of a batch of frames. */
  take({ rows, count, time }: PacketDecoder, frames: FrameBatch): void {
    const wanted = this.#isWanted;
    for (let z = 0; z < count * ROW; z += ROW) {
      if ((rows[z + WORD.kind]! & PROTOCOL) !== UDP) continue;
      const at = rows[z + WORD.transport]!;
      const there = rows[z + WORD.end]! - at - UDP_HEAD_BYTES;
      if (there < 2 || (wanted && wanted[frames.view.getUint16(at + 2)] === 0)) continue;
      const payload = at + UDP_HEAD_BYTES;
      const isExport =
        VERSIONS.includes(frames.view.getUint16(payload)) || isSflow(frames.view, payload, there);
      if (isExport) this.#datagram(frames.view, rows, z, time[z / ROW]!);
    }
  }

  #datagram(view: DataView, rows: Int32Array, row: number, arrivedAt: number): void {
    const at = rows[row + WORD.transport]!;
    const from = at + UDP_HEAD_BYTES;
    const there = rows[row + WORD.end]! - from;
    const said = view.getUint16(at + 4) - UDP_HEAD_BYTES;
    this.#datagrams++;
    // Cut by the capture, or the first of several fragments.
    if (said > there) this.#truncated++;
    const ip = rows[row + WORD.ip]!;
    const exporter =
      (rows[row + WORD.kind]! & IS_IPV6) === 0
        ? this.#exporters.ofV4(view, ip + 12)
        : this.#exporters.ofV6(view, ip + 8);
    const length = Math.min(said, there);
    if (length <= 0) return;
    const datagram = new DataView(view.buffer, view.byteOffset + from, length);
    this.#onDatagram(datagram, exporter, length, arrivedAt);
  }
}
