// SPDX-License-Identifier: BSD-3-Clause
import { ARP } from "../../packet/arp.ts";
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

const NO_BYTES: Uint8Array = new Uint8Array(0);
const MAC = 6;
const IPV4 = 4;
const REPLY = 2;

class Arp implements FlowState {
  hardware = 0;
  protocol = 0;
  operation = 0;
  sourceMac = NO_BYTES;
  sourceIp = NO_BYTES;
  targetMac = NO_BYTES;
  targetIp = NO_BYTES;

  reset(): void {
    this.hardware = 0;
    this.protocol = 0;
    this.operation = 0;
    this.sourceMac = NO_BYTES;
    this.sourceIp = NO_BYTES;
    this.targetMac = NO_BYTES;
    this.targetIp = NO_BYTES;
  }

  begin({ view, bytes, ip }: Packet): void {
    this.hardware = view.getUint16(ip);
    this.protocol = view.getUint16(ip + 2);
    this.operation = view.getUint16(ip + ARP.operation);
    this.sourceMac = bytes.slice(ip + ARP.senderMac, ip + ARP.senderMac + MAC);
    this.sourceIp = bytes.slice(ip + ARP.senderIp, ip + ARP.senderIp + IPV4);
    this.targetMac = bytes.slice(ip + ARP.targetMac, ip + ARP.targetMac + MAC);
    this.targetIp = bytes.slice(ip + ARP.targetIp, ip + ARP.targetIp + IPV4);
  }
}

export default defineProtocol({
  name: "arp",
  about:
    "ARP as flows of protocol 0: who asks for which address, and the hardware address of the first answer.",
  fields: template(
    `uint16 ARP_HA_FORMAT, uint16 ARP_PA_FORMAT, uint16 ARP_OPCODE,
     bytes ARP_SRC_HA, bytes ARP_SRC_PA, bytes ARP_DST_HA, bytes ARP_DST_PA`,
  ),
  elements: {
    ARP_HA_FORMAT: "e8057id31",
    ARP_PA_FORMAT: "e8057id32",
    ARP_OPCODE: "e8057id33",
    ARP_SRC_HA: "e8057id34",
    ARP_SRC_PA: "e8057id35",
    ARP_DST_HA: "e8057id36",
    ARP_DST_PA: "e8057id37",
  },
  watch: { arp: true, empty: true },
  byDefault: false,
  source: "RFC 826",
  setup: () => ({
    create: () => new Arp(),
    onPacket(packet, slot) {
      const { view, bytes, ip } = packet;
      if (!slot.state) slot.take().begin(packet);
      if (packet.reverse === 0 || view.getUint16(ip + ARP.operation) !== REPLY) return VERDICT.more;
      // A question asks for the target's address: the answer's sender has it.
      slot.take().targetMac = bytes.slice(ip + ARP.senderMac, ip + ARP.senderMac + MAC);
      return VERDICT.done;
    },
    write(state, record) {
      record.ARP_HA_FORMAT = state.hardware;
      record.ARP_PA_FORMAT = state.protocol;
      record.ARP_OPCODE = state.operation;
      record.ARP_SRC_HA = state.sourceMac;
      record.ARP_SRC_PA = state.sourceIp;
      record.ARP_DST_HA = state.targetMac;
      record.ARP_DST_PA = state.targetIp;
    },
  }),
});
