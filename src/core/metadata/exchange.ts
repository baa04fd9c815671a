// SPDX-License-Identifier: BSD-3-Clause
/** A request and its response on a TCP connection, as HTTP and RTSP have them. @module */
import { HeaderCursor, HeaderInOrder, headerEnd, START, startOf, statusOf } from "./message.ts";
import { type Packet, PROTOCOL } from "./packet.ts";
import { type FlowState, type Plugin, type Slot, VERDICT } from "./protocol.ts";

/** Longest value of each field, in bytes; what is longer is cut. */
interface Limits {
  readonly method: number;
  readonly target: number;
  readonly host: number;
  readonly agent: number;
  readonly referer: number;
  readonly contentType: number;
  readonly server: number;
  readonly cookies: number;
}

const LIMITS: Limits = {
  method: 20,
  target: 1024,
  host: 255,
  agent: 512,
  referer: 1024,
  contentType: 128,
  server: 128,
  cookies: 512,
};

/** Of ipfixprobe's buffers. */
const LIMITS_COMPAT: Limits = {
  method: 15,
  target: 127,
  host: 63,
  agent: 127,
  referer: 127,
  contentType: 31,
  server: 31,
  cookies: 511,
};

const LF = 10;
const INTERIM = { from: 100, switching: 101, to: 200 } as const;
const cursor = new HeaderCursor();

/** The first request and response of a flow. */
export class Exchange implements FlowState {
  method = "";
  target = "";
  host = "";
  agent = "";
  referer = "";
  status = 0;
  contentType = "";
  server = "";
  /** Names of the cookies that are set, semicolons between them. */
  cookies = "";
  hasRequest = false;
  hasResponse = false;
  /** Headers of the two directions. */
  readonly sides: readonly [HeaderInOrder, HeaderInOrder] = [
    new HeaderInOrder(),
    new HeaderInOrder(),
  ];
  /** Directions whose header has been read, a bit each. */
  read = 0;

  reset(): void {
    this.method = this.target = this.host = this.agent = this.referer = "";
    this.contentType = this.server = this.cookies = "";
    this.status = 0;
    this.hasRequest = this.hasResponse = false;
    for (const side of this.sides) side.reset();
    this.read = 0;
  }
}

function readRequest(state: Exchange, limits: Limits): void {
  state.method = cursor.word(0, limits.method);
  state.target = cursor.word(1, limits.target);
  while (cursor.next()) {
    if (cursor.is("host")) state.host = cursor.value(limits.host);
    else if (cursor.is("user-agent")) state.agent = cursor.value(limits.agent);
    else if (cursor.is("referer")) state.referer = cursor.value(limits.referer);
  }
}

function readResponse(state: Exchange, limits: Limits): void {
  state.status = statusOf(cursor.word(1, 4));
  while (cursor.next()) {
    if (cursor.is("content-type")) state.contentType = cursor.value(limits.contentType);
    else if (cursor.is("server")) state.server = cursor.value(limits.server);
    else if (cursor.is("set-cookie")) addCookie(state, limits.cookies);
  }
}

function addCookie(state: Exchange, max: number): void {
  const [name, value] = cursor.value(max).split("=", 2);
  if (value === undefined) return;
  const names = state.cookies === "" ? name! : `${state.cookies};${name}`;
  // A name that is cut would be another's.
  if (names.length <= max) state.cookies = names;
}

/** Read the message at an offset, of a kind that is known. Returns whether it answers for its direction. */
function read(state: Exchange, kind: number, limits: Limits): boolean {
  if (kind === START.request) {
    if (!state.hasRequest) readRequest(state, limits);
    state.hasRequest = true;
    return true;
  }
  if (!state.hasResponse) readResponse(state, limits);
  const { status } = state;
  // Interim responses, such as 100 Continue, come before the one that counts (RFC 9110 section 15.2).
  if (status >= INTERIM.from && status < INTERIM.to && status !== INTERIM.switching) return false;
  state.hasResponse = true;
  return true;
}

const isStart = (kind: number): boolean => kind === START.request || kind === START.response;

/** A plugin, but for its fields. */
type Reader = Omit<Plugin<Exchange, unknown>, "write">;

/** What of a plugin's work is the same for protocols whose messages name `protocol`, such as `HTTP/`. */
export const exchange = (protocol: string, compat: boolean): Reader =>
  compat ? asIpfixprobe(protocol) : inOrder(protocol);

/** The messages that waited for their end when the flow ended. */
export function readRest(state: Exchange, protocol: string): void {
  for (const side of state.sides) {
    if (!side.rest()) continue;
    const kind = startOf(side.bytes, side.from, side.end, protocol);
    if (isStart(kind) && cursor.begin(side.bytes, side.from, side.end)) read(state, kind, LIMITS);
    side.reset();
  }
}

/** Read the message of a direction, and those behind it as long as they are interim ones. */
function readSide(state: Exchange, { bytes, from, end }: HeaderInOrder, protocol: string): boolean {
  for (let at = from; at >= 0; at = headerEnd(bytes, at, end)) {
    const kind = startOf(bytes, at, end, protocol);
    if (!isStart(kind) || !cursor.begin(bytes, at, end)) return false;
    if (read(state, kind, LIMITS)) return true;
  }
  return false;
}

/** The first request and the first response, over several segments where need be. */
const inOrder = (protocol: string): Reader => ({
  create: () => new Exchange(),
  onPacket(packet: Packet, slot: Slot<Exchange>): number {
    const bit = 1 << packet.reverse;
    const known = slot.state;
    // What follows the header is the body.
    if (known && (known.read & bit) !== 0) return VERDICT.more;
    if (!known?.sides[packet.reverse].pending) {
      const kind = startOf(packet.bytes, packet.payload, packet.end, protocol);
      // A server answers to what is no request, too: with status 400.
      if (kind === START.no) return known || packet.reverse === 0 ? VERDICT.more : VERDICT.done;
    }
    const state = slot.take();
    const side = state.sides[packet.reverse];
    if (!side.take(packet, packet.protocol === PROTOCOL.tcp)) return VERDICT.more;
    if (readSide(state, side, protocol)) state.read |= bit;
    side.reset();
    return state.read === 3 ? VERDICT.done : VERDICT.more;
  },
});

/** As ipfixprobe: headers in one packet each, and a new flow for each further request or response. */
const asIpfixprobe = (protocol: string): Reader => ({
  create: () => new Exchange(),
  splits({ bytes, payload, end }: Packet, state: Exchange): boolean {
    const kind = startOf(bytes, payload, end, protocol);
    return kind === START.request ? state.hasRequest : kind === START.response && state.hasResponse;
  },
  onPacket({ bytes, payload, end }: Packet, slot: Slot<Exchange>): number {
    const kind = startOf(bytes, payload, end, protocol);
    if (!isStart(kind)) return VERDICT.more;
    // A header that goes on in the next packet does not count.
    const isWhole = headerEnd(bytes, payload, end) >= 0 || bytes[end - 1] === LF;
    if (!isWhole || !cursor.begin(bytes, payload, end)) return VERDICT.more;
    const state = slot.take();
    if (kind === START.request) {
      readRequest(state, LIMITS_COMPAT);
      state.hasRequest = true;
    } else {
      readResponse(state, LIMITS_COMPAT);
      state.hasResponse = true;
    }
    return VERDICT.more;
  },
});
