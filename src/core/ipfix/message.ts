// SPDX-License-Identifier: BSD-3-Clause
import type { RecordEncoder, Target } from "./record-encoder.ts";

/** RFC 7011 section 3.1: version, length, export time, sequence number, observation domain. */
export const MESSAGE_HEADER = 16;
const VERSION = 10;
const SET_HEADER = 4;
/** Set id of template sets (section 3.3.2). */
const TEMPLATES = 2;
/** No message is longer. */
export const MESSAGE_MAX = 65_535;

/** One IPFIX message that is filled, waits and goes out. */
export class Message implements Target {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  length = MESSAGE_HEADER;
  /** Data records in it. */
  records = 0;
  /** Offset of the set that is open; 0 when none is. */
  #set = 0;
  #template = 0;

  constructor() {
    const buffer = new ArrayBuffer(MESSAGE_MAX);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  clear(): void {
    this.length = MESSAGE_HEADER;
    this.records = 0;
    this.#set = 0;
    this.#template = 0;
  }

  /** Add a set with these template records. */
  addTemplates(templates: readonly Uint8Array[]): void {
    this.#open(TEMPLATES);
    for (const template of templates) {
      this.bytes.set(template, this.length);
      this.length += template.length;
    }
    this.#close();
  }

  /** Bytes that a record of `size` bytes adds. */
  cost(encoder: RecordEncoder, size: number): number {
    return size + (this.#template === encoder.id ? 0 : SET_HEADER);
  }

  /** Add the record that the encoder has measured, which lies at `at` of the batch. */
  add(encoder: RecordEncoder, batch: Parameters<RecordEncoder["write"]>[0], at: number): void {
    if (this.#template !== encoder.id) {
      this.#close();
      this.#open(encoder.id);
    }
    this.length = encoder.write(batch, at, this, this.length);
    this.records++;
  }

  #open(id: number): void {
    this.#set = this.length;
    this.#template = id;
    this.view.setUint16(this.length, id);
    this.length += SET_HEADER;
  }

  #close(): void {
    if (this.#set > 0) this.view.setUint16(this.#set + 2, this.length - this.#set);
    this.#set = 0;
    this.#template = 0;
  }

  /** Nothing more comes into it. */
  finish(): void {
    this.#close();
    this.view.setUint16(0, VERSION);
    this.view.setUint16(2, this.length);
  }

  /** Write what depends on when it goes out. `sequence` is the number of data records sent before it. */
  stamp(domain: number, sequence: number): void {
    this.view.setUint32(4, Math.floor(Date.now() / 1000));
    this.view.setUint32(8, sequence % 2 ** 32);
    this.view.setUint32(12, domain);
  }
}
