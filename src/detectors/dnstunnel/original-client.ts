// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "../../core/unirec/types.ts";
import { TUNNEL, TYPE } from "./fields.ts";
import type { Limits } from "./original-limits.ts";
import { SuffixTree } from "./suffix-tree.ts";

export const STATE = { fresh: 0, suspicion: 1, attack: 2 } as const;
const REQUEST_BINS = 30;
const RESPONSE_BINS = 150;
const BIN = 10;

/** A DNS message as the original has it. */
export interface Message {
  readonly isResponse: boolean;
  readonly size: number;
  readonly name: string;
  readonly type: number;
  readonly answer: string;
  /** Wall clock, seconds. */
  readonly wall: number;
}

/** Sizes of messages: how many there were of each ten bytes, and what mean and variance need. */
export class Sizes {
  count = 0;
  sum = 0;
  squares = 0;
  readonly bins: Uint32Array;
  /** Of each bin the messages with a name, and their different characters. */
  readonly named: Uint32Array;
  readonly letters: Uint32Array;

  constructor(bins: number) {
    this.bins = new Uint32Array(bins);
    this.named = new Uint32Array(bins);
    this.letters = new Uint32Array(bins);
  }

  binOf(size: number): number {
    const last = this.bins.length - 1;
    return size <= last * BIN ? Math.floor(size / BIN) : last;
  }

  add(size: number): void {
    this.bins[this.binOf(size)]!++;
    this.count++;
    this.sum += size;
    this.squares += size * size;
  }

  get mean(): number {
    return this.sum / this.count;
  }

  get variance(): number {
    return (this.squares - this.mean ** 2 * this.count) / (this.count - 1);
  }

  /** Mean of the different characters of a bin's names. */
  lettersOf(bin: number): number {
    return this.named[bin] === 0 ? 0 : this.letters[bin]! / this.named[bin]!;
  }
}

/** A tree of suspects with what an alert says beside it. */
export class Suspects {
  tree = new SuffixTree();
  sum = 0;
  event = 0;
  round = 0;
  readonly since: number;
  /** Bins of sizes whose names are put in. */
  readonly marked = new Set<number>();
  /** Responses of these sizes, and those among them without a name. */
  responses = 0;
  nameless = 0;

  constructor(since: number) {
    this.since = since;
  }

  /** Returns false when the tree is full. */
  insert(text: string): boolean {
    this.sum++;
    return this.tree.insert(text.toLowerCase());
  }
}

/** Parts of responses, in the order in which the original looks at them. */
export const PARTS = ["name", "txt", "mx", "cname", "ns"] as const;
export type Part = (typeof PARTS)[number];
export const PART_TYPES: Readonly<Record<Part, number>> = {
  name: TUNNEL.responseName,
  txt: TUNNEL.responseTxt,
  mx: TUNNEL.responseMx,
  cname: TUNNEL.responseCname,
  ns: TUNNEL.responseNs,
};
const PART_OF: ReadonlyMap<number, Part> = new Map([
  [TYPE.txt, "txt"],
  [TYPE.mx, "mx"],
  [TYPE.cname, "cname"],
  [TYPE.ns, "ns"],
]);

/** All that the original knows of an address, as a client. */
export class Client {
  readonly ip: Ip;
  requests = new Sizes(REQUEST_BINS);
  responses = new Sizes(RESPONSE_BINS);
  requestTunnel: Suspects | undefined;
  requestOther: Suspects | undefined;
  responseOther: Suspects | undefined;
  requestTunnelState: number = STATE.fresh;
  requestOtherState: number = STATE.fresh;
  responseOtherState: number = STATE.fresh;
  responseTunnelState: number = STATE.fresh;
  responseRound = 0;
  readonly parts = new Map<Part, Suspects>();
  /** Parts that are in an attack. */
  readonly active = new Set<Part>();
  timeLast = 0;
  /** Names that found no place. */
  dropped = 0;
  /** Whether the capture of its traffic was ordered. */
  captured = false;

  constructor(ip: Ip) {
    this.ip = ip;
  }

  get isFresh(): boolean {
    const { requestTunnelState, requestOtherState, responseOtherState, responseTunnelState } = this;
    return requestTunnelState + requestOtherState + responseOtherState + responseTunnelState === 0;
  }

  forgetRequests(): void {
    this.requestOther = undefined;
    this.requestOtherState = STATE.fresh;
    this.requests = new Sizes(REQUEST_BINS);
  }

  forgetResponses(): void {
    this.responseOther = undefined;
    this.responseOtherState = STATE.fresh;
    this.responses = new Sizes(RESPONSE_BINS);
  }

  forgetRequestTunnel(): void {
    this.requestTunnel = undefined;
    this.requestTunnelState = STATE.fresh;
  }

  forgetResponseTunnel(): void {
    this.parts.clear();
    this.active.clear();
    this.responseRound = 0;
    this.responseTunnelState = STATE.fresh;
  }

  take(message: Message, limits: Limits): void {
    this.timeLast = message.wall;
    if (message.isResponse) this.#response(message, limits);
    else this.#request(message, limits);
  }

  #request({ name, size, wall }: Message, limits: Limits): void {
    const { requests } = this;
    const bin = requests.binOf(size);
    requests.add(size);
    if (name === "") return;
    const letters = lettersOf(name);
    requests.named[bin]!++;
    requests.letters[bin]! += letters;
    if (isTunnelName(name, letters, limits)) {
      this.requestTunnel ??= new Suspects(wall);
      this.#insert(this.requestTunnel, name);
      if (this.requestTunnelState === STATE.fresh) this.requestTunnelState = STATE.suspicion;
    } else if (this.requestTunnelState !== STATE.fresh && this.requestTunnel?.marked.has(bin))
      this.#insert(this.requestTunnel, name);
    if (this.requestOtherState !== STATE.fresh && this.requestOther?.marked.has(bin))
      this.#insert(this.requestOther, name);
  }

  #response({ name, size, type, answer, wall }: Message, limits: Limits): void {
    this.responses.add(size);
    const other = this.responseOther;
    if (this.responseOtherState !== STATE.fresh && other?.marked.has(this.responses.binOf(size))) {
      if (name === "") other.nameless++;
      else this.#insert(other, name);
      other.responses++;
    }
    this.#part("name", name, { wall, limits });
    const part = PART_OF.get(type);
    if (part) this.#part(part, answer, { wall, limits });
  }

  #insert(suspects: Suspects, text: string): void {
    if (!suspects.insert(text)) this.dropped++;
  }

  #part(part: Part, text: string, { wall, limits }: { wall: number; limits: Limits }): void {
    if (lettersOf(text) <= limits.responseLetters) return;
    let suspects = this.parts.get(part);
    if (!suspects) {
      suspects = new Suspects(wall);
      this.parts.set(part, suspects);
    }
    this.#insert(suspects, text);
    if (this.responseTunnelState === STATE.fresh) this.responseTunnelState = STATE.suspicion;
  }
}

const DIGITS = /[0-9]/g;

/** Different characters; those of either case differ, unlike in the trees. */
const lettersOf = (text: string): number => new Set(text).size;

function isTunnelName(name: string, letters: number, limits: Limits): boolean {
  if (name.length < limits.lengthMin) return false;
  if (letters > limits.requestLetters) return true;
  const digits = name.match(DIGITS)?.length ?? 0;
  return digits / name.length > limits.digitShare && digits > limits.digits;
}
