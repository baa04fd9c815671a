// SPDX-License-Identifier: BSD-3-Clause
const VERSION = 10;
const HEAD_BYTES = 4;
const NOTHING = new Uint8Array(0);

/** IPFIX messages in a stream of bytes (RFC 7011 section 10.4): each says its own length. */
export class MessageSplitter {
  readonly #onMessage: (message: DataView) => void;
  /** The beginning of a message whose end has not come. */
  #rest: Uint8Array = NOTHING;
  messages = 0;

  constructor(onMessage: (message: DataView) => void) {
    this.#onMessage = onMessage;
  }

  /** Bytes that wait for more. */
  get pending(): number {
    return this.#rest.byteLength;
  }

  /** Take bytes, which are copied where they have to wait; false when they are no IPFIX: nothing behind them can be read. */
  push(bytes: Uint8Array): boolean {
    const all = this.#rest.byteLength === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    let at = 0;
    for (; at + HEAD_BYTES <= all.byteLength; this.messages++) {
      const length = view.getUint16(at + 2);
      if (view.getUint16(at) !== VERSION || length < HEAD_BYTES) return false;
      if (at + length > all.byteLength) break;
      this.#onMessage(new DataView(all.buffer, all.byteOffset + at, length));
      at += length;
    }
    this.#rest = at === all.byteLength ? NOTHING : all.slice(at);
    return true;
  }
}
