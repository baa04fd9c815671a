// SPDX-License-Identifier: BSD-3-Clause
/** For tests: IPFIX messages taken apart by their templates, straight from RFC 7011. @module */

export interface Decoded {
  readonly sequence: number;
  readonly domain: number;
  /** Ids of the templates in it. */
  readonly templates: readonly number[];
  /** Values of each data record by element, `0/152` or `29305/1`; the last of an element counts. */
  readonly records: readonly Readonly<Record<string, Uint8Array>>[];
}

interface Specifier {
  readonly key: string;
  readonly length: number;
}

/** Decodes the messages of one session in turn. */
export class Decoder {
  readonly #templates = new Map<number, Specifier[]>();

  /** All messages of a stream's bytes; throws at what is not IPFIX. */
  stream(bytes: Uint8Array): Decoded[] {
    const messages: Decoded[] = [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 4 <= bytes.length; ) {
      const length = view.getUint16(at + 2);
      if (at + length > bytes.length) break;
      messages.push(this.message(bytes.subarray(at, at + length)));
      at += length;
    }
    return messages;
  }

  message(bytes: Uint8Array): Decoded {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint16(0) !== 10) throw new Error(`version ${view.getUint16(0)}`);
    if (view.getUint16(2) !== bytes.length) throw new Error("length of the message");
    const templates: number[] = [];
    const records: Record<string, Uint8Array>[] = [];
    for (let at = 16; at < bytes.length; ) {
      const id = view.getUint16(at);
      const size = view.getUint16(at + 2);
      if (size < 4 || at + size > bytes.length) throw new Error(`length of set ${id}: ${size}`);
      const set = bytes.subarray(at + 4, at + size);
      if (id === 2) templates.push(...this.#learn(set));
      else records.push(...this.#read(id, set));
      at += size;
    }
    return { sequence: view.getUint32(8), domain: view.getUint32(12), templates, records };
  }

  #learn(set: Uint8Array): number[] {
    const view = new DataView(set.buffer, set.byteOffset, set.length);
    const ids: number[] = [];
    for (let at = 0; at < set.length; ) {
      const id = view.getUint16(at);
      const count = view.getUint16(at + 2);
      at += 4;
      const specifiers: Specifier[] = [];
      for (let i = 0; i < count; i++) {
        const number = view.getUint16(at);
        const length = view.getUint16(at + 2);
        at += 4;
        const enterprise = number >= 0x8000 ? view.getUint32(at) : 0;
        if (number >= 0x8000) at += 4;
        specifiers.push({ key: `${enterprise}/${number & 0x7fff}`, length });
      }
      this.#templates.set(id, specifiers);
      ids.push(id);
    }
    return ids;
  }

  #read(id: number, set: Uint8Array): Record<string, Uint8Array>[] {
    const template = this.#templates.get(id);
    if (!template) throw new Error(`no template ${id}`);
    const records: Record<string, Uint8Array>[] = [];
    for (let at = 0; at < set.length; ) {
      const record: Record<string, Uint8Array> = {};
      for (const { key, length } of template) {
        let size = length;
        if (length === 65_535) {
          size = set[at++]!;
          if (size === 255) {
            size = (set[at]! << 8) | set[at + 1]!;
            at += 2;
          }
        }
        if (at + size > set.length) throw new Error(`${key} ends behind its set`);
        record[key] = set.subarray(at, at + size);
        at += size;
      }
      records.push(record);
    }
    return records;
  }
}

/** A value as a number. */
export const numberOf = (bytes: Uint8Array | undefined): number =>
  [...bytes!].reduce((value, byte) => value * 256 + byte, 0);

export const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
