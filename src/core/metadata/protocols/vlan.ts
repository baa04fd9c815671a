// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

const ETHERTYPE = { vlan: 0x8100, provider: 0x88a8, old: 0x9100 } as const;
/** Source and target address before the EtherType. */
const ADDRESSES = 12;
const ID = 0x0fff;

class Vlan implements FlowState {
  id = 0;

  reset(): void {
    this.id = 0;
  }
}

export default defineProtocol({
  name: "vlan",
  about: "The outermost VLAN of the flow's first packet.",
  fields: template("uint16 VLAN_ID"),
  elements: { VLAN_ID: "e0id58" },
  watch: { empty: true },
  byDefault: true,
  source: "IEEE 802.1Q section 9.6",
  setup: () => ({
    create: () => new Vlan(),
    onPacket({ view, ethernet, ip }, slot) {
      const state = slot.take();
      const type = ethernet + ADDRESSES;
      if (ethernet >= 0 && type + 4 <= ip) {
        const kind = view.getUint16(type);
        if (kind === ETHERTYPE.vlan || kind === ETHERTYPE.provider || kind === ETHERTYPE.old)
          state.id = view.getUint16(type + 2) & ID;
      }
      return VERDICT.done;
    },
    write(state, record) {
      record.VLAN_ID = state.id;
    },
  }),
});
