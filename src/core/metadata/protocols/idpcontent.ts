// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Bytes of a direction that are kept. */
const CONTENT_MAX = 100;

class Content implements FlowState {
  readonly bytes = [new Uint8Array(CONTENT_MAX), new Uint8Array(CONTENT_MAX)] as const;
  /** Bytes kept of each direction. */
  readonly size = new Int32Array(2);

  reset(): void {
    this.size.fill(0);
  }
}

export default defineProtocol({
  name: "idpcontent",
  about: `The first ${CONTENT_MAX} bytes of the first packet with payload, of each direction.`,
  fields: template("bytes IDP_CONTENT, bytes IDP_CONTENT_REV"),
  elements: { IDP_CONTENT: "e8057id850", IDP_CONTENT_REV: "e8057id851" },
  watch: { empty: true },
  // What users say stays out of records unless the operator asks for it.
  byDefault: false,
  source: "ipfixprobe's plugin idpcontent",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new Content(),
    onPacket(packet, slot) {
      const taken = Math.min(packet.size, CONTENT_MAX);
      if (taken <= 0) {
        // ipfixprobe gives empty fields to flows without payload.
        if (compat) slot.take();
        return VERDICT.more;
      }
      const { bytes, size } = slot.take();
      if (size[packet.reverse] === 0) {
        const content = bytes[packet.reverse];
        for (let i = 0; i < taken; i++) content[i] = packet.bytes[packet.payload + i]!;
        size[packet.reverse] = taken;
      }
      return size[0]! > 0 && size[1]! > 0 ? VERDICT.done : VERDICT.more;
    },
    write({ bytes, size }, record) {
      record.IDP_CONTENT = bytes[0].subarray(0, size[0]);
      record.IDP_CONTENT_REV = bytes[1].subarray(0, size[1]);
    },
  }),
});
