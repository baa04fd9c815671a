// SPDX-License-Identifier: BSD-3-Clause
import { Address, sameIp } from "../../unirec/ip.ts";
import { template } from "../../unirec/template.ts";
import { DnsMessage, SECTION, TYPE } from "../dns/message.ts";
import { readA, readAaaa } from "../dns/rdata.ts";
import { addressOf } from "../dns/reverse.ts";
import { MessageStreams, mayBegin, messageBuffers } from "../dns/stream.ts";
import { DnsText } from "../dns/text.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import type { PrefixPool } from "../prefix.ts";
import { defineProtocol, type FlowState, type Slot, VERDICT } from "../protocol.ts";

const PORT = 53;
/** Pairs of name and address of a flow, each in a record of its own. */
const PAIRS_MAX = 64;
const INTERNET = 1;
const NAME_MAX = 1020;

const text = new DnsText(NAME_MAX);
const found = new Address();

/** A name and its address, and where they are from. */
interface Pair {
  readonly id: number;
  readonly type: number;
  readonly name: string;
  readonly ttl: number;
  readonly ip: Address;
}

class PassiveDns implements FlowState {
  readonly pairs: Pair[] = [];
  readonly streams: MessageStreams;

  constructor(buffers: PrefixPool) {
    this.streams = new MessageStreams(buffers);
  }

  reset(): void {
    this.pairs.length = 0;
    this.streams.reset();
  }

  get isFull(): boolean {
    return this.pairs.length >= PAIRS_MAX;
  }

  add(pair: Pair): void {
    const isKnown = this.pairs.some(
      ({ type, name, ip }) => type === pair.type && name === pair.name && sameIp(ip, pair.ip),
    );
    if (!isKnown && !this.isFull) this.pairs.push(pair);
  }
}

/** The name at an offset; undefined when it is broken. */
const nameAt = (message: DnsMessage, at: number): string | undefined =>
  message.name(at, text.clear()) < 0 ? undefined : text.toString();

/** The address that the message's record is about, and the offset of its name; undefined when it is about none. */
function subjectOf(message: DnsMessage): { ip: Address; at: number } | undefined {
  const { type, nameAt: owner, data, dataEnd } = message;
  if (message.class !== INTERNET || data === dataEnd) return undefined;
  if (type === TYPE.ptr) {
    const ip = addressOf(nameAt(message, owner) ?? "");
    return ip && { ip, at: data };
  }
  if (type !== TYPE.a && type !== TYPE.aaaa) return undefined;
  const isRead = type === TYPE.a ? readA(message, found) : readAaaa(message, found);
  return isRead || message.breakData() ? { ip: Address.of(found), at: owner } : undefined;
}

/** The pair that the message's record tells of; undefined when it tells of none. */
function pairOf(message: DnsMessage): Pair | undefined {
  const subject = subjectOf(message);
  const name = subject && nameAt(message, subject.at);
  if (name === undefined) return undefined;
  const { id, type, ttl } = message;
  return { id, type, ttl, name, ip: subject!.ip };
}

export default defineProtocol({
  name: "passivedns",
  about: "Names and addresses that DNS servers tell, a record of the flow for each pair of them.",
  fields: template(
    "uint16 DNS_ID, uint16 DNS_ATYPE, string DNS_NAME, uint32 DNS_RR_TTL, ipaddr DNS_IP",
  ),
  elements: {
    DNS_ID: "e8057id10",
    DNS_ATYPE: "e8057id11",
    DNS_NAME: "e8057id2",
    DNS_RR_TTL: "e8057id5",
    DNS_IP: "e8057id7",
  },
  watch: { protocols: [PROTOCOL.tcp, PROTOCOL.udp], ports: [PORT] },
  // It repeats the counters of a flow in each of its records.
  byDefault: false,
  source: "RFC 1035 sections 3 and 4, RFC 3596",
  setup: () => {
    const buffers = messageBuffers();
    const message = new DnsMessage();

    function begins(packet: Packet, slot: Slot<PassiveDns>): boolean {
      if (packet.protocol === PROTOCOL.udp) return message.beginDatagram(packet);
      if (!slot.state && !mayBegin(packet)) return false;
      return slot.take().streams.take(packet, message);
    }

    return {
      create: () => new PassiveDns(buffers),
      onPacket(packet, slot) {
        // Who asks may say what he likes.
        if (packet.sourcePort !== PORT || !begins(packet, slot)) return VERDICT.more;
        if (!message.isResponse) return VERDICT.more;
        while (message.record() && message.section === SECTION.answer) {
          const pair = pairOf(message);
          if (pair) slot.take().add(pair);
        }
        const verdict = message.isMalformed ? VERDICT.malformed : VERDICT.more;
        return slot.state?.isFull ? verdict | VERDICT.done : verdict;
      },
      keeps: ({ pairs }) => pairs.length > 0,
      rows: ({ pairs }) => pairs.length,
      write({ pairs }, record, row) {
        const pair = pairs[row]!;
        record.DNS_ID = pair.id;
        record.DNS_ATYPE = pair.type;
        record.DNS_NAME = pair.name;
        record.DNS_RR_TTL = pair.ttl;
        record.DNS_IP = pair.ip;
      },
    };
  },
});
