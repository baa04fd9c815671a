// SPDX-License-Identifier: BSD-3-Clause
import { ETHERTYPE } from "../../packet/ethertype.ts";
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

/** Source and target address before the EtherType. */
const ADDRESSES = 12;
/** VLAN tags that are passed over. */
const TAGS_MAX = 4;
/** Label, traffic class and bottom-of-stack bit, without the TTL. */
const SECTION = 3;

class TopLabel implements FlowState {
  readonly section = new Uint8Array(SECTION);

  reset(): void {
    this.section.fill(0);
  }
}

/** Offset of the top label behind the Ethernet header at `ethernet`; -1 without one. */
function topLabel({ view, ip }: Packet, ethernet: number): number {
  let at = ethernet + ADDRESSES;
  for (let tags = 0; tags <= TAGS_MAX && at + 2 + SECTION <= ip; tags++) {
    const type = view.getUint16(at);
    if (type === ETHERTYPE.mpls || type === ETHERTYPE.mplsMulticast) return at + 2;
    if (type !== ETHERTYPE.vlan && type !== ETHERTYPE.qinq && type !== ETHERTYPE.qinqOld) break;
    at += 4;
  }
  return -1;
}

export default defineProtocol({
  name: "mpls",
  about: "The top MPLS label of the flow's first packet, with its traffic class and bottom bit.",
  fields: template("bytes MPLS_TOP_LABEL_STACK_SECTION"),
  elements: { MPLS_TOP_LABEL_STACK_SECTION: "e0id70" },
  watch: { empty: true },
  byDefault: true,
  source: "RFC 3032 section 2.1",
  setup: () => ({
    create: () => new TopLabel(),
    onPacket(packet, slot) {
      if (packet.ethernet < 0) return VERDICT.done;
      // In a pseudowire the label stands before the inner Ethernet header, behind the frame's own.
      let at = topLabel(packet, packet.frame);
      if (at < 0 && packet.ethernet !== packet.frame) at = topLabel(packet, packet.ethernet);
      if (at < 0) return VERDICT.done;
      const { section } = slot.take();
      for (let i = 0; i < SECTION; i++) section[i] = packet.bytes[at + i]!;
      return VERDICT.done;
    },
    write(state, record) {
      record.MPLS_TOP_LABEL_STACK_SECTION = state.section;
    },
  }),
});
