// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { HeaderCursor, HeaderInOrder, START, startOf, statusOf } from "../message.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type Slot, VERDICT } from "../protocol.ts";

const NAME = "SIP/";
const PORTS = { sip: 5060, sips: 5061 } as const;
/** Numbers of SIP_MSG_TYPE; a request of another method has 0. */
const TYPES: ReadonlyMap<string, number> = new Map([
  ["INVITE", 1],
  ["ACK", 2],
  ["CANCEL", 3],
  ["BYE", 4],
  ["REGISTER", 5],
  ["OPTIONS", 6],
  ["PUBLISH", 7],
  ["NOTIFY", 8],
  ["INFO", 9],
  ["SUBSCRIBE", 10],
]);
const RESPONSE = 99;
const METHOD_MAX = 20;
/** Bytes of a field; in compat mode of ipfixprobe's buffers. */
const VALUE_MAX = 255;
const VALUE_MAX_COMPAT = 127;
/** ipfixprobe takes nothing shorter for a message. */
const MESSAGE_MIN_COMPAT = 64;

const URI = /\bsips?:[^>]*/i;
const URI_OR_TEL = /\b(?:sips?|tel):[^>]*/i;
const EDGES = /^[^a-z0-9]+|[^a-z0-9]+$/gi;
const cursor = new HeaderCursor();

class Sip implements FlowState {
  type = 0;
  status = 0;
  cseq = "";
  calling = "";
  called = "";
  callId = "";
  agent = "";
  uri = "";
  via = "";
  /** Whether the flow's first message has been read: the others give their status alone. */
  hasMessage = false;
  readonly sides: readonly [HeaderInOrder, HeaderInOrder] = [
    new HeaderInOrder(),
    new HeaderInOrder(),
  ];

  reset(): void {
    this.type = this.status = 0;
    this.cseq = this.calling = this.called = this.callId = "";
    this.agent = this.uri = this.via = "";
    this.hasMessage = false;
    for (const side of this.sides) side.reset();
  }
}

/** How values are read: as they are, or as ipfixprobe cuts them. */
interface Reading {
  readonly max: number;
  plain(value: string): string;
  /** The URI in a From or To field: in brackets all of it, without them what is before its parameters. */
  uri(value: string): string;
}

const READING: Reading = {
  max: VALUE_MAX,
  plain: (value) => value,
  uri: (value) => uriIn(value, URI_OR_TEL),
};

const READING_COMPAT: Reading = {
  max: VALUE_MAX_COMPAT,
  plain: (value) => beforeParameters(value.replace(EDGES, "")),
  uri: (value) => uriIn(value, URI),
};

const beforeParameters = (value: string): string => value.split(";", 1)[0]!.trimEnd();

function uriIn(value: string, pattern: RegExp): string {
  const found = pattern.exec(value);
  if (!found) return "";
  const isBracketed = value[found.index + found[0].length] === ">";
  return isBracketed ? found[0] : beforeParameters(found[0]);
}

function readFields(state: Sip, { max, plain, uri }: Reading): void {
  while (cursor.next()) {
    // URIs come behind a name, which the bound is not for.
    if (cursor.is("from") || cursor.is("f"))
      state.calling = uri(cursor.value(2 * max)).slice(0, max);
    else if (cursor.is("to") || cursor.is("t"))
      state.called = uri(cursor.value(2 * max)).slice(0, max);
    else if (cursor.is("via") || cursor.is("v")) {
      const hop = beforeParameters(plain(cursor.value(max)));
      state.via = (state.via === "" ? hop : `${state.via};${hop}`).slice(0, max);
    } else if (cursor.is("call-id") || cursor.is("i")) state.callId = plain(cursor.value(max));
    else if (cursor.is("cseq")) state.cseq = plain(cursor.value(max));
    else if (cursor.is("user-agent")) state.agent = plain(cursor.value(max));
  }
}

/** Read a message of a kind that is known; of all but the first the status alone. */
function read(state: Sip, kind: number, reading: Reading): void {
  if (kind === START.response) state.status = statusOf(cursor.word(1, 4)) || state.status;
  if (state.hasMessage) return;
  state.hasMessage = true;
  if (kind === START.response) state.type = RESPONSE;
  else {
    state.type = TYPES.get(cursor.word(0, METHOD_MAX)) ?? 0;
    state.uri = reading.plain(cursor.word(1, reading.max));
  }
  readFields(state, reading);
}

/** What is in a header that has been put together. */
function readSide(state: Sip, { bytes, from, end }: HeaderInOrder): void {
  const kind = startOf(bytes, from, end, NAME);
  if (kind !== START.request && kind !== START.response) return;
  if (cursor.begin(bytes, from, end)) read(state, kind, READING);
}

const isPort = (port: number): boolean => port === PORTS.sip || port === PORTS.sips;

function onPacket(packet: Packet, slot: Slot<Sip>): number {
  const known = slot.state;
  if (!known?.sides[packet.reverse].pending) {
    const kind = startOf(packet.bytes, packet.payload, packet.end, NAME);
    const isDatagram = packet.protocol !== PROTOCOL.tcp;
    if (kind === START.no || (isDatagram && kind === START.unsure))
      // Before its first message a phone may keep the way through a NAT open (RFC 5626 section 4.4).
      return known || isPort(packet.sourcePort) || isPort(packet.targetPort)
        ? VERDICT.more
        : VERDICT.done;
    // A request behind the first has nothing to say.
    if (kind === START.request && known?.hasMessage) return VERDICT.more;
  }
  const state = slot.take();
  const side = state.sides[packet.reverse];
  if (!side.take(packet, packet.protocol === PROTOCOL.tcp)) return VERDICT.more;
  readSide(state, side);
  side.reset();
  return VERDICT.more;
}

/** Requests of the transaction that they end. */
const OF_ANOTHER = ["ACK", "CANCEL"];

/**
 * Whether a datagram has a request of another transaction than `state` (RFC 3261 section 17): those of one client and server often have one pair of ports
 * for all of them.
 */
function splits({ protocol, bytes, payload, end }: Packet, state: Sip): boolean {
  if (protocol !== PROTOCOL.udp || !state.hasMessage) return false;
  if (startOf(bytes, payload, end, NAME) !== START.request) return false;
  if (!cursor.begin(bytes, payload, end) || OF_ANOTHER.includes(cursor.word(0, METHOD_MAX)))
    return false;
  let [callId, cseq] = ["", ""];
  while (cursor.next()) {
    if (cursor.is("call-id") || cursor.is("i")) callId = cursor.value(VALUE_MAX);
    else if (cursor.is("cseq")) cseq = cursor.value(VALUE_MAX);
  }
  return callId !== state.callId || cseq !== state.cseq;
}

/** What ipfixprobe takes the packet for: a {@link START}. */
function kindCompat({ bytes, payload, end }: Packet): number {
  if (end - payload < MESSAGE_MIN_COMPAT) return START.no;
  const kind = startOf(bytes, payload, end, NAME);
  if (kind !== START.request) return kind === START.response ? kind : START.no;
  const isKnown = cursor.begin(bytes, payload, end) && TYPES.has(cursor.word(0, METHOD_MAX));
  return isKnown ? kind : START.no;
}

function onPacketCompat(packet: Packet, slot: Slot<Sip>): number {
  const kind = kindCompat(packet);
  if (kind !== START.no && cursor.begin(packet.bytes, packet.payload, packet.end))
    read(slot.take(), kind, READING_COMPAT);
  return VERDICT.more;
}

export default defineProtocol({
  name: "sip",
  about:
    "The first message of a SIP transaction, of a call or registration, and the status of the last response.",
  fields: template(
    "uint16 SIP_MSG_TYPE,uint16 SIP_STATUS_CODE,string SIP_CSEQ,string SIP_CALLING_PARTY,string SIP_CALLED_PARTY,string SIP_CALL_ID,string SIP_USER_AGENT,string SIP_REQUEST_URI,string SIP_VIA",
  ),
  elements: {
    SIP_MSG_TYPE: "e8057id100",
    SIP_STATUS_CODE: "e8057id101",
    SIP_CALL_ID: "e8057id102",
    SIP_CALLING_PARTY: "e8057id103",
    SIP_CALLED_PARTY: "e8057id104",
    SIP_VIA: "e8057id105",
    SIP_USER_AGENT: "e8057id106",
    SIP_REQUEST_URI: "e8057id107",
    SIP_CSEQ: "e8057id108",
  },
  watch: { protocols: [PROTOCOL.tcp, PROTOCOL.udp] },
  byDefault: true,
  source: "RFC 3261 sections 7, 20 and 25",
  setup: ({ compat }) => ({
    create: () => new Sip(),
    // Each message is a flow of its own for ipfixprobe.
    splits: compat ? (packet: Packet) => kindCompat(packet) !== START.no : splits,
    onPacket: compat ? onPacketCompat : onPacket,
    write(state: Sip, record) {
      for (const side of state.sides) if (side.rest()) readSide(state, side);
      record.SIP_MSG_TYPE = state.type;
      record.SIP_STATUS_CODE = state.status;
      record.SIP_CSEQ = state.cseq;
      record.SIP_CALLING_PARTY = state.calling;
      record.SIP_CALLED_PARTY = state.called;
      record.SIP_CALL_ID = state.callId;
      record.SIP_USER_AGENT = state.agent;
      record.SIP_REQUEST_URI = state.uri;
      record.SIP_VIA = state.via;
    },
  }),
});
