// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { DnsMessage, HEADER, SECTION, TYPE } from "../dns/message.ts";
import { writeRdata } from "../dns/rdata.ts";
import { MessageStreams, mayBegin, messageBuffers } from "../dns/stream.ts";
import { DnsText, ESCAPES } from "../dns/text.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import type { PrefixPool } from "../prefix.ts";
import {
  defineProtocol,
  type FlowState,
  type PluginOptions,
  type Slot,
  VERDICT,
} from "../protocol.ts";

/** DNS itself, and what asks the link's neighbours in the same form (RFC 4795). */
const PORTS = { dns: 53, llmnr: 5355 } as const;
const RESPONSE_BIT = 0x80;
/** 255 bytes, each of which may become four characters. */
const NAME_MAX = 1020;
const RDATA_MAX = 1024;
/** Of ipfixprobe's buffers. */
const COMPAT_MAX = { name: 127, rdata: 159 } as const;
const UINT8_MAX = 255;
const DNSSEC_OK = 0x8000;
const NO_BYTES: Uint8Array = new Uint8Array(0);

const name = new DnsText(NAME_MAX);
const rdata = new DnsText(RDATA_MAX);

class Dns implements FlowState {
  id = 0;
  name = "";
  type = 0;
  class = 0;
  answers = 0;
  rcode = 0;
  ttl = 0;
  rdata = NO_BYTES;
  payloadSize = 0;
  dnssecOk = 0;
  hasQuery = false;
  hasResponse = false;
  hasAnswer = false;
  hasOptions = false;
  readonly streams: MessageStreams;

  constructor(buffers: PrefixPool) {
    this.streams = new MessageStreams(buffers);
  }

  reset(): void {
    this.id = this.type = this.class = this.answers = this.rcode = 0;
    this.ttl = this.payloadSize = this.dnssecOk = 0;
    this.name = "";
    this.rdata = NO_BYTES;
    this.hasQuery = this.hasResponse = this.hasAnswer = this.hasOptions = false;
    this.streams.reset();
  }

  get hasMessage(): boolean {
    return this.hasQuery || this.hasResponse;
  }

  /** Whether all is known that the flow has to say. */
  get isOver(): boolean {
    return (this.hasQuery && this.hasResponse) || this.streams.areOver;
  }

  /** Whether a message is the first query or the first response of the transaction. */
  wants(isResponse: boolean, id: number): boolean {
    if (isResponse ? this.hasResponse : this.hasQuery) return false;
    return !this.hasMessage || id === this.id;
  }
}

/** Learn from the header and the first question, which `message` stands at if it has one. */
function learnQuestion(state: Dns, message: DnsMessage, compat: boolean): void {
  if (!state.hasMessage) {
    state.id = message.id;
    if (message.questions > 0) {
      message.name(message.nameAt, name.clear(), compat ? ESCAPES.none : ESCAPES.host);
      state.name = name.toString();
      state.type = message.type;
      state.class = message.class;
    }
  }
  // A notification tells of its record in the query (RFC 1996 section 3.7).
  if (message.answers > 0) state.answers = message.answers;
  if (message.isResponse || compat) state.rcode = message.rcode;
  if (message.isResponse) state.hasResponse = true;
  else state.hasQuery = true;
}

/** Learn from the records: the first answer, and the options of EDNS. */
function learnRecords(state: Dns, message: DnsMessage, compat: boolean): void {
  while (message.record()) {
    if (message.section === SECTION.answer && !state.hasAnswer) {
      state.hasAnswer = true;
      state.ttl = message.ttl;
      writeRdata(message, rdata.clear());
      state.rdata = rdata.copy();
    } else if (message.section === SECTION.additional && message.type === TYPE.opt)
      learnOptions(state, message, compat);
  }
}

/** The fields of a record are others in that of EDNS (RFC 6891 section 6.1.3). */
function learnOptions(state: Dns, message: DnsMessage, compat: boolean): void {
  const { ttl } = message;
  if (message.isResponse && !compat)
    state.rcode = Math.min(UINT8_MAX, ((ttl >>> 24) << 4) | message.rcode);
  if (state.hasOptions) return;
  state.hasOptions = true;
  state.payloadSize = message.class;
  state.dnssecOk = (ttl & DNSSEC_OK) === 0 ? 0 : 1;
}

/** Whether a UDP packet with a header has a query of another transaction than `state`, which was answered. */
function splits({ protocol, view, payload, size }: Packet, state: Dns): boolean {
  if (protocol !== PROTOCOL.udp || !state.hasResponse || size < HEADER) return false;
  return (view.getUint8(payload + 2) & RESPONSE_BIT) === 0 && view.getUint16(payload) !== state.id;
}

export default defineProtocol({
  name: "dns",
  about:
    "DNS and LLMNR: the first query of a flow and its response, with the first answer as text.",
  fields: template(
    `uint16 DNS_ID, uint16 DNS_ANSWERS, uint8 DNS_RCODE, string DNS_NAME, uint16 DNS_QTYPE, uint16 DNS_CLASS,
    uint32 DNS_RR_TTL, uint16 DNS_RLENGTH, bytes DNS_RDATA, uint16 DNS_PSIZE, uint8 DNS_DO`,
  ),
  elements: {
    DNS_ID: "e8057id10",
    DNS_ANSWERS: "e8057id14",
    DNS_RCODE: "e8057id1",
    DNS_NAME: "e8057id2",
    DNS_QTYPE: "e8057id3",
    DNS_CLASS: "e8057id4",
    DNS_RR_TTL: "e8057id5",
    DNS_RLENGTH: "e8057id6",
    DNS_RDATA: "e8057id7",
    DNS_PSIZE: "e8057id8",
    DNS_DO: "e8057id9",
  },
  watch: { protocols: [PROTOCOL.tcp, PROTOCOL.udp], ports: [PORTS.dns, PORTS.llmnr] },
  byDefault: true,
  source: "RFC 1035 section 4, RFC 6891, RFC 4795",
  setup: ({ compat }: PluginOptions) => {
    const buffers = messageBuffers();
    const message = new DnsMessage();

    /** Read the message; the flow has the fields as soon as its question is good. */
    function read(slot: Slot<Dns>): number {
      const known = slot.state;
      if (known && !known.wants(message.isResponse, message.id)) return VERDICT.more;
      if (message.questions === 0 || message.question()) {
        const state = slot.take();
        learnQuestion(state, message, compat);
        learnRecords(state, message, compat);
      }
      return message.isMalformed ? VERDICT.malformed : VERDICT.more;
    }

    function begins(packet: Packet, slot: Slot<Dns>): boolean {
      if (packet.protocol === PROTOCOL.udp) return message.beginDatagram(packet);
      if (!slot.state && !mayBegin(packet)) return false;
      return slot.take().streams.take(packet, message);
    }

    function onPacket(packet: Packet, slot: Slot<Dns>): number {
      const verdict = begins(packet, slot) ? read(slot) : VERDICT.more;
      return slot.state?.isOver ? verdict | VERDICT.done : verdict;
    }

    /** Each message ends its flow for ipfixprobe, which does not know LLMNR. */
    function onPacketCompat(packet: Packet, slot: Slot<Dns>): number {
      if (packet.sourcePort !== PORTS.dns && packet.targetPort !== PORTS.dns) return VERDICT.done;
      if (!begins(packet, slot)) return VERDICT.more;
      const verdict = read(slot);
      return slot.state?.hasMessage ? verdict | VERDICT.end : verdict;
    }

    return {
      create: () => new Dns(buffers),
      ...(compat ? {} : { splits }),
      onPacket: compat ? onPacketCompat : onPacket,
      keeps: (state) => state.hasMessage,
      write(state, record) {
        record.DNS_ID = state.id;
        record.DNS_ANSWERS = state.answers;
        record.DNS_RCODE = state.rcode;
        record.DNS_NAME = compat ? state.name.slice(0, COMPAT_MAX.name) : state.name;
        record.DNS_QTYPE = state.type;
        record.DNS_CLASS = state.class;
        record.DNS_RR_TTL = state.ttl;
        const data = compat ? state.rdata.subarray(0, COMPAT_MAX.rdata) : state.rdata;
        record.DNS_RLENGTH = data.length;
        record.DNS_RDATA = data;
        record.DNS_PSIZE = state.payloadSize;
        record.DNS_DO = state.dnssecOk;
      },
    };
  },
});
