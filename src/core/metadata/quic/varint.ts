// SPDX-License-Identifier: BSD-3-Clause

/**
 * Reads QUIC's variable-length integers (RFC 9000 section 16) one behind the other. What does not fit sets `failed`
 * and reads as 0; a caller looks at it once, at the end.
 */
export class VarintCursor {
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  end = 0;
  failed = false;

  /** Point it at bytes. */
  set(view: DataView, at: number, end: number): this {
    this.view = view;
    this.at = at;
    this.end = end;
    this.failed = at > end;
    return this;
  }

  /** The next integer. Those beyond 2^53 are not exact, and longer than anything that fits. */
  next(): number {
    if (this.failed || this.at >= this.end) return this.#fail();
    const { view, at } = this;
    const first = view.getUint8(at);
    const size = 1 << (first >>> 6);
    if (at + size > this.end) return this.#fail();
    this.at += size;
    if (size === 1) return first;
    if (size === 2) return view.getUint16(at) & 0x3fff;
    const high = view.getUint32(at) & 0x3fffffff;
    return size === 4 ? high : high * 2 ** 32 + view.getUint32(at + 4);
  }

  /** Pass over as many bytes. Returns where they began. */
  skip(size: number): number {
    const { at } = this;
    if (this.failed || size > this.end - at) this.#fail();
    else this.at += size;
    return at;
  }

  #fail(): number {
    this.failed = true;
    return 0;
  }
}
