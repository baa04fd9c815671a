// SPDX-License-Identifier: BSD-3-Clause
/** The other end of the tap's cable: one UDP datagram on loopback is one frame. @module */

/** Frames that are sent before the guest gets time to take them. */
const BURST = 64;

export class TapCable implements Disposable {
  readonly #socket: Bun.udp.ConnectedSocket<"buffer">;
  readonly #count: { heard: number };

  private constructor(socket: Bun.udp.ConnectedSocket<"buffer">, count: { heard: number }) {
    this.#socket = socket;
    this.#count = count;
  }

  /** From a port of loopback to another, where qemu is. */
  static async connect(local: number, remote: number): Promise<TapCable> {
    const count = { heard: 0 };
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      port: local,
      connect: { hostname: "127.0.0.1", port: remote },
      socket: {
        data() {
          count.heard += 1;
        },
      },
    });
    return new TapCable(socket, count);
  }

  /** Frames that the tap sent. */
  get heard(): number {
    return this.#count.heard;
  }

  /** Send frames in order; resolves when all have left, with how many bytes they hold. */
  async send(frames: readonly Uint8Array[]): Promise<number> {
    let bytes = 0;
    for (const [index, frame] of frames.entries()) {
      while (!this.#socket.send(frame)) await Bun.sleep(1);
      bytes += frame.length;
      if (index % BURST === BURST - 1) await Bun.sleep(20);
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
