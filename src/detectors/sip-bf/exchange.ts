// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, MESSAGE } from "./fields.ts";

export const METHOD = { none: 0, register: 1, invite: 2, options: 3 } as const;
export const OUTCOME = { none: 0, refused: 1, accepted: 2 } as const;

/** Longest user, and longest name that is kept: user and domain. */
const USER_MAX = 64;
export const NAME_MAX = 64;
/** `sips`, behind which comes a colon. */
const SCHEME_MAX = 4;
const UDP = 17;
const SPACE = 0x20;
const [QUERY, AT, SEMICOLON, COLON] = [0x3f, 0x40, 0x3b, 0x3a];
/** How the methods begin in CSEQ: REG, INV, OPT. */
const BEGINNINGS: ReadonlyMap<number, number> = new Map([
  [0x524547, METHOD.register],
  [0x494e56, METHOD.invite],
  [0x4f5054, METHOD.options],
]);

/** Unauthorized, forbidden, no such user, authenticate to the proxy, gone, does not exist anywhere. */
const REFUSALS = new Set([401, 403, 404, 407, 410, 604]);

/** What a record says of a request and its answer: who asked whom, as which user, and what came of it. */
export class Exchange {
  client!: Ip;
  server!: Ip;
  clientPort = 0;
  serverPort = 0;
  method: number = METHOD.none;
  outcome: number = OUTCOME.none;
  /** Answers that the record stands for. */
  answers = 1;
  time = 0;
  /** Of the user and the method. */
  hash = 0;
  /** User and domain, as far as they are kept. */
  readonly name = new Uint8Array(NAME_MAX);
  nameLength = 0;
  #cseq = -1;
  #calling = -1;
  #called = -1;
  #isBiflow = false;

  announced(layout: Template): void {
    const offset = (name: string): number => {
      const field = fieldOf(layout, name);
      return field?.type === "string" ? field.offset : -1;
    };
    this.#cseq = offset("SIP_CSEQ");
    this.#calling = offset("SIP_CALLING_PARTY");
    this.#called = offset("SIP_CALLED_PARTY");
    this.#isBiflow = fieldOf(layout, "PACKETS_REV")?.type === "uint32";
  }

  /** Take the record under the cursor; false when it is not about a user who was refused or let in. */
  take(flow: Flow): boolean {
    const { SIP_STATUS_CODE, SIP_MSG_TYPE } = flow;
    if (SIP_STATUS_CODE === 0) return false;
    const cursor = flow as unknown as AnyReader;
    const isResponse = SIP_MSG_TYPE === MESSAGE.response;
    this.method = isResponse ? this.#methodIn(cursor) : (METHODS.get(SIP_MSG_TYPE) ?? METHOD.none);
    if (this.method === METHOD.none) return false;
    this.outcome = outcomeOf(this.method, SIP_STATUS_CODE);
    if (this.outcome === OUTCOME.none || !this.#readUser(cursor)) return false;
    this.#orient(flow, isResponse);
    this.time = flow.has.TIME_LAST ? flow.TIME_LAST : flow.TIME_FIRST;
    return true;
  }

  /**
   * A response comes from the server, a request from the client, unless the meter made a record of each message and
   * this one went against the direction of the first.
   */
  #orient(flow: Flow, isResponse: boolean): void {
    const isAgainst = this.#isBiflow && flow.PACKETS === 0;
    const isFromServer = isResponse !== isAgainst;
    this.server = isFromServer ? flow.SRC_IP : flow.DST_IP;
    this.client = isFromServer ? flow.DST_IP : flow.SRC_IP;
    this.serverPort = isFromServer ? flow.SRC_PORT : flow.DST_PORT;
    this.clientPort = isFromServer ? flow.DST_PORT : flow.SRC_PORT;
    const packets = isFromServer ? flow.PACKETS : flow.PACKETS_REV;
    // A datagram is a message, and the record tells of the last one; of a stream its packets say nothing.
    this.answers = this.#isBiflow && flow.PROTOCOL === UDP ? Math.max(1, packets) : 1;
  }

  #methodIn(cursor: AnyReader): number {
    const start = cursor.span(this.#cseq);
    const end = start + cursor.spanLength;
    const { view } = cursor;
    let at = start;
    while (at < end && view.getUint8(at) !== SPACE) at++;
    while (at < end && view.getUint8(at) === SPACE) at++;
    if (at + 3 > end) return METHOD.none;
    const letters = (view.getUint16(at) << 8) | view.getUint8(at + 2);
    return BEGINNINGS.get(letters) ?? METHOD.none;
  }

  /** A registration is of who calls; another request tries who is called, where the sender says that. */
  #readUser(cursor: AnyReader): boolean {
    const isCalled = this.method !== METHOD.register && this.#called >= 0;
    const start = cursor.span(isCalled ? this.#called : this.#calling);
    const end = start + cursor.spanLength;
    const { view } = cursor;
    let at = start;
    while (at < end && at < start + SCHEME_MAX && view.getUint8(at) !== COLON) at++;
    if (at >= end || view.getUint8(at) !== COLON) return false;
    const from = ++at;
    let hash: number = this.method;
    while (at < end && view.getUint8(at) !== AT) {
      if (at - from === USER_MAX) return false;
      hash = hashWord(hash, view.getUint8(at++));
    }
    if (at >= end || at === from) return false;
    this.hash = hash;
    let length = 0;
    for (let i = from; i < end && length < NAME_MAX; i++) {
      const byte = view.getUint8(i);
      if (i > at && (byte === SEMICOLON || byte === QUERY)) break;
      this.name[length++] = byte;
    }
    this.nameLength = length;
    return true;
  }
}

const METHODS: ReadonlyMap<number, number> = new Map([
  [MESSAGE.register, METHOD.register],
  [MESSAGE.invite, METHOD.invite],
  [MESSAGE.options, METHOD.options],
]);

/** Whoever gets as far as a ringing or busy telephone was let in; a registration has to succeed. */
function outcomeOf(method: number, status: number): number {
  if (REFUSALS.has(status)) return OUTCOME.refused;
  if (status >= 200 && status < 300) return OUTCOME.accepted;
  return method === METHOD.register || status === 100 || status >= 500
    ? OUTCOME.none
    : OUTCOME.accepted;
}
