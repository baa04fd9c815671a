// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

class TypeCode implements FlowState {
  value = 0;

  reset(): void {
    this.value = 0;
  }
}

export default defineProtocol({
  name: "icmp",
  about: "Type (upper byte) and code (lower byte) of the flow's first ICMP or ICMPv6 message.",
  fields: template("uint16 L4_ICMP_TYPE_CODE"),
  elements: { L4_ICMP_TYPE_CODE: "e0id32" },
  watch: { protocols: [PROTOCOL.icmp, PROTOCOL.icmp6] },
  byDefault: true,
  source: "RFC 792, RFC 4443 section 2.1",
  setup: () => ({
    create: () => new TypeCode(),
    onPacket({ view, transport, end }, slot) {
      if (transport + 2 <= end) slot.take().value = view.getUint16(transport);
      return VERDICT.done;
    },
    write(state, record) {
      record.L4_ICMP_TYPE_CODE = state.value;
    },
  }),
});
