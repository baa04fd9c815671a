// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "../packet.ts";
import { type DnsText, ESCAPES } from "./text.ts";

/** Bytes of a message's header (RFC 1035 section 4.1.1). */
export const HEADER = 12;
const FLAGS = 2;
const COUNTS = 4;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const RCODE = 0x000f;

/** Types of records (RFC 1035 section 3.2.2 and later ones). */
export const TYPE = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  hinfo: 13,
  minfo: 14,
  mx: 15,
  txt: 16,
  aaaa: 28,
  srv: 33,
  dname: 39,
  opt: 41,
  ds: 43,
  rrsig: 46,
  dnskey: 48,
} as const;

/** Where in a message a record stands. */
export const SECTION = { answer: 0, authority: 1, additional: 2 } as const;

/** Bytes of a name, with the lengths of its labels (RFC 1035 section 2.3.4). */
const NAME_MAX = 255;
/** Pointers followed for a name: one in front of each label at most makes sense. */
const POINTERS_MAX = 127;
const LABEL_MAX = 63;
const POINTER = 0xc0;
const POINTER_MASK = 0x3fff;
/** What follows the name of a question, and of a record in front of its data. */
const QUESTION_TAIL = 4;
const RECORD_TAIL = 10;

const BROKEN = -1;
const FAULT = { none: 0, short: 1, broken: 2 } as const;

const UDP_LENGTH = 4;
const UDP_HEADER = 8;

/** Memory that a message lies in. */
export interface Memory {
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

/**
 * A DNS message where it lies, read in order: questions, then records. Only offsets are taken until a text is asked
 * for. Pointers of names lead back only, so none of them leads in a circle.
 */
export class DnsMessage {
  view: DataView = new DataView(new ArrayBuffer(0));
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Whether it is longer than what is there of it; then its end proves nothing. */
  isCut = false;
  id = 0;
  flags = 0;
  questions = 0;
  answers = 0;
  /** Of the question or record that was read last; its class as on the wire. */
  nameAt = 0;
  type = 0;
  class = 0;
  ttl = 0;
  data = 0;
  dataEnd = 0;
  section: number = SECTION.answer;
  #questionsLeft = 0;
  #recordsLeft = 0;
  #next = 0;
  /** Where the first question's name is, once it has been found good: most records point to it. */
  #good = -1;
  /** Bytes of the name that is read. */
  #length = 0;
  #fault: number = FAULT.none;

  /** Begin with the message from `start` to `end`; false when there is no header. */
  begin({ view, bytes }: Memory, start: number, end: number): boolean {
    if (end - start < HEADER) return false;
    this.view = view;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.id = view.getUint16(start);
    this.flags = view.getUint16(start + FLAGS);
    this.isCut = (this.flags & TRUNCATED) !== 0;
    this.questions = this.#questionsLeft = view.getUint16(start + COUNTS);
    this.answers = this.#recordsLeft = view.getUint16(start + COUNTS + 2);
    this.section = SECTION.answer;
    this.#next = start + HEADER;
    this.#good = -1;
    this.#fault = FAULT.none;
    return true;
  }

  /** Begin with the message that a UDP packet carries; false when there is no header. */
  beginDatagram(packet: Packet): boolean {
    if (!this.begin(packet, packet.payload, packet.end)) return false;
    // Cut by the capture, or a datagram's first fragment.
    const length = packet.view.getUint16(packet.transport + UDP_LENGTH) - UDP_HEADER;
    if (length > packet.size) this.isCut = true;
    return true;
  }

  get isResponse(): boolean {
    return (this.flags & RESPONSE) !== 0;
  }

  get rcode(): number {
    return this.flags & RCODE;
  }

  /** Whether what has been read breaks the rules: a name, data, or a count that the message does not hold. */
  get isMalformed(): boolean {
    return this.#fault === FAULT.broken || (this.#fault === FAULT.short && !this.isCut);
  }

  /** The next question; false behind the last one, and where the message is broken. */
  question(): boolean {
    if (this.#questionsLeft === 0 || this.#fault !== FAULT.none) return false;
    this.#questionsLeft--;
    const name = this.#next;
    const at = this.name(name);
    if (at < 0) return false;
    if (at + QUESTION_TAIL > this.end) return this.#fail(FAULT.short);
    if (this.#good < 0) this.#good = name;
    this.nameAt = name;
    this.type = this.view.getUint16(at);
    this.class = this.view.getUint16(at + 2);
    this.#next = at + QUESTION_TAIL;
    return true;
  }

  /** The next record, of any section; questions are passed over. False as {@link question}. */
  record(): boolean {
    while (this.#questionsLeft > 0) if (!this.question()) return false;
    while (this.#recordsLeft === 0) {
      if (this.section === SECTION.additional) return false;
      this.section++;
      this.#recordsLeft = this.view.getUint16(this.start + COUNTS + 2 + 2 * this.section);
    }
    if (this.#fault !== FAULT.none) return false;
    this.#recordsLeft--;
    const at = this.name(this.#next);
    if (at < 0) return false;
    const data = at + RECORD_TAIL;
    if (data > this.end) return this.#fail(FAULT.short);
    const dataEnd = data + this.view.getUint16(at + 8);
    if (dataEnd > this.end) return this.#fail(FAULT.short);
    this.nameAt = this.#next;
    this.type = this.view.getUint16(at);
    this.class = this.view.getUint16(at + 2);
    this.ttl = this.view.getUint32(at + 4);
    this.data = data;
    this.dataEnd = dataEnd;
    this.#next = dataEnd;
    return true;
  }

  /** Say that the data of the record are not what its type wants. */
  breakData(): false {
    return this.#fail(FAULT.broken);
  }

  /**
   * The offset behind the name at `at` (RFC 1035 section 4.1.4); negative when it is broken. With `out` the name is
   * written there, without the dot of the root.
   */
  name(at: number, out?: DnsText, table: Uint8Array = ESCAPES.host): number {
    const { view } = this;
    this.#length = 1;
    let p = this.#labels(at, out, table);
    if (p < 0) return BROKEN;
    if (view.getUint8(p) === 0) return p + 1;
    const behind = p + 2;
    let run = at;
    for (let pointers = 0; view.getUint8(p) !== 0; pointers++) {
      run = pointers < POINTERS_MAX ? this.#target(p, run) : this.#failName(FAULT.broken);
      if (run < 0) return BROKEN;
      if (!out && this.#length === 1 && run === this.#good) return behind;
      p = this.#labels(run, out, table);
      if (p < 0) return BROKEN;
    }
    return behind;
  }

  /** Pass over the labels at `at`, to the root or a pointer; negative when they are broken. */
  #labels(at: number, out: DnsText | undefined, table: Uint8Array): number {
    const { view, end } = this;
    let p = at;
    while (p < end) {
      const size = view.getUint8(p);
      if (size === 0 || size > LABEL_MAX) return p;
      if (out && this.#length > 1) out.dot();
      this.#length += size + 1;
      if (this.#length > NAME_MAX) return this.#failName(FAULT.broken);
      const next = p + 1 + size;
      if (next > end) return this.#failName(FAULT.short);
      out?.put(this.bytes, p + 1, next, table);
      p = next;
    }
    return this.#failName(FAULT.short);
  }

  /** Where the pointer at `p` leads: in front of `run`, the labels it stands behind. Negative when it does not. */
  #target(p: number, run: number): number {
    const { view, start, end } = this;
    if (view.getUint8(p) < POINTER) return this.#failName(FAULT.broken);
    if (p + 2 > end) return this.#failName(FAULT.short);
    const target = start + (view.getUint16(p) & POINTER_MASK);
    return target < run && target >= start + HEADER ? target : this.#failName(FAULT.broken);
  }

  #failName(fault: number): number {
    this.#fault = fault;
    return BROKEN;
  }

  #fail(fault: number): false {
    this.#fault = fault;
    return false;
  }
}
