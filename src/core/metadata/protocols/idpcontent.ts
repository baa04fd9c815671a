// SPDX-License-Identifier: BSD-3-Clause
import { part } from "../../unirec/list-write.ts";
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Bytes of a direction that are kept. */
const CONTENT_MAX = 100;

/** Flows whose contents share an array: an array a flow costs more than what is in it. */
const FLOWS = 1024;

class Content implements FlowState {
  /** Contents of many flows; those of this one begin at `from`: one direction, then the other. */
  readonly bytes: Uint8Array;
  readonly from: number;
  /** Bytes kept of each direction. */
  readonly size: [number, number] = [0, 0];

  constructor(bytes: Uint8Array, from: number) {
    this.bytes = bytes;
    this.from = from;
  }

  reset(): void {
    this.size[0] = 0;
    this.size[1] = 0;
  }

  keep({ bytes, payload, size, reverse }: Packet): void {
    if (this.size[reverse] > 0) return;
    const taken = Math.min(size, CONTENT_MAX);
    const at = this.from + reverse * CONTENT_MAX;
    for (let i = 0; i < taken; i++) this.bytes[at + i] = bytes[payload + i]!;
    this.size[reverse] = taken;
  }
}

export default defineProtocol({
  name: "idpcontent",
  about: `The first ${CONTENT_MAX} bytes of the first packet with payload, of each direction.`,
  fields: template("bytes IDP_CONTENT, bytes IDP_CONTENT_REV"),
  elements: { IDP_CONTENT: "e8057id850", IDP_CONTENT_REV: "e8057id851" },
  watch: { empty: "compat" },
  // What users say stays out of records unless the operator asks for it.
  byDefault: false,
  source: "ipfixprobe's plugin idpcontent",
  setup({ compat }: PluginOptions) {
    let bytes = new Uint8Array(FLOWS * 2 * CONTENT_MAX);
    let used = 0;
    return {
      create() {
        if (used === bytes.length) {
          bytes = new Uint8Array(FLOWS * 2 * CONTENT_MAX);
          used = 0;
        }
        used += 2 * CONTENT_MAX;
        return new Content(bytes, used - 2 * CONTENT_MAX);
      },
      onPacket(packet, slot) {
        if (packet.size <= 0) {
          // ipfixprobe gives empty fields to flows without payload.
          if (compat) slot.take();
          return VERDICT.more;
        }
        const content = slot.take();
        content.keep(packet);
        return content.size[0] > 0 && content.size[1] > 0 ? VERDICT.done : VERDICT.more;
      },
      write({ bytes, from, size }, record) {
        const other = from + CONTENT_MAX;
        record.IDP_CONTENT = part(bytes, from, from + size[0]);
        record.IDP_CONTENT_REV = part(bytes, other, other + size[1]);
      },
    };
  },
});
