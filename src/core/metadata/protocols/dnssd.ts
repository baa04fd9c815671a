// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { DnsMessage, SECTION, TYPE } from "../dns/message.ts";
import { addStrings, Services } from "../dns/services.ts";
import { DnsText, ESCAPES } from "../dns/text.ts";
import { PROTOCOL } from "../packet.ts";
import {
  defineProtocol,
  type FlowState,
  type PluginOptions,
  type Slot,
  VERDICT,
} from "../protocol.ts";

const PORT = 5353;
const NAME_MAX = 1020;
const STRINGS_MAX = 1024;
/** Port and what goes in front of the target in SRV (RFC 2782). */
const SRV = { port: 4, target: 6 } as const;
/** Names for look-ups by address are no services. */
const BY_ADDRESS = /\.arpa$/i;

const text = new DnsText(NAME_MAX);
const listed = new DnsText(STRINGS_MAX);

class DnsSd implements FlowState {
  readonly services = new Services();

  reset(): void {
    this.services.clear();
  }
}

/** The name at an offset; empty when it is broken, or no service's. */
function nameAt(message: DnsMessage, at: number, compat: boolean): string {
  const table = compat ? ESCAPES.none : ESCAPES.service;
  if (message.name(at, text.clear(), table) < 0) return "";
  const name = text.toString();
  return BY_ADDRESS.test(name) ? "" : name;
}

/** The character strings of the record's data, a colon between them or behind each. */
function strings(message: DnsMessage, isClosed: boolean): string {
  const { bytes, data, dataEnd } = message;
  listed.clear();
  for (let at = data; at < dataEnd; ) {
    const end = at + 1 + bytes[at]!;
    if (end > dataEnd) {
      message.breakData();
      return "";
    }
    if (!isClosed && at > data) listed.ascii(":");
    listed.put(bytes, at + 1, end, ESCAPES.listed);
    if (isClosed && end > at + 1) listed.ascii(":");
    at = end;
  }
  return listed.toString();
}

function learnSrv(message: DnsMessage, slot: Slot<DnsSd>, name: string, compat: boolean): void {
  const { view, data, dataEnd } = message;
  if (data + SRV.target >= dataEnd) {
    message.breakData();
    return;
  }
  const target = nameAt(message, data + SRV.target, compat);
  const service = message.isMalformed ? undefined : slot.take().services.of(name);
  if (!service) return;
  service.port = view.getUint16(data + SRV.port);
  service.target = target;
}

function learnRecord(message: DnsMessage, slot: Slot<DnsSd>, compat: boolean): void {
  const { type } = message;
  if (type !== TYPE.srv && type !== TYPE.txt && type !== TYPE.hinfo) return;
  const name = nameAt(message, message.nameAt, compat);
  if (name === "") return;
  if (type === TYPE.srv) {
    learnSrv(message, slot, name, compat);
    return;
  }
  const service = slot.take().services.of(name);
  if (!service) return;
  if (type === TYPE.hinfo) service.host = strings(message, false);
  // ipfixprobe lists TXT when it is told to only.
  else if (!compat) addStrings(service, strings(message, true));
}

export default defineProtocol({
  name: "dnssd",
  about: "Multicast DNS: services and hosts that a flow asks for, and tells of.",
  fields: template("string DNSSD_QUERIES, string DNSSD_RESPONSES"),
  elements: { DNSSD_QUERIES: "e8057id826", DNSSD_RESPONSES: "e8057id827" },
  watch: { protocols: [PROTOCOL.udp], ports: [PORT] },
  byDefault: true,
  source: "RFC 6762, RFC 6763",
  setup: ({ compat }: PluginOptions) => {
    const message = new DnsMessage();
    return {
      create: () => new DnsSd(),
      onPacket(packet, slot) {
        if (!message.beginDatagram(packet)) return VERDICT.more;
        while (message.question()) {
          const name = nameAt(message, message.nameAt, compat);
          if (name !== "") slot.take().services.ask(name);
        }
        while (message.record()) {
          // Answers of a query are known already (RFC 6762 section 7.1); what it is about to claim is not.
          if (message.isResponse || message.section === SECTION.authority)
            learnRecord(message, slot, compat);
        }
        return message.isMalformed ? VERDICT.malformed : VERDICT.more;
      },
      keeps: ({ services }) => !services.isEmpty,
      write({ services }, record) {
        record.DNSSD_QUERIES = services.queries;
        record.DNSSD_RESPONSES = services.responses;
      },
    };
  },
});
