// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

const PORT = 137;
/** Header of a message, as that of DNS. */
const HEADER = 12;
const QUESTIONS = 4;
const ANSWERS = 6;
/** A name is 16 bytes, of which each half is a letter from A to P; the last byte is the suffix. */
const NAME = 15;
const ENCODED = 32;
/** What fills a name up to its 15 bytes. */
const FILL = /[ \0]+$/;
const LETTER = { A: 0x41, P: 0x50 } as const;

/** Names of a flow that ipfixprobe's way sends, each in a record of its own. */
const NAMES_MAX = 64;

class NetBios implements FlowState {
  readonly names: string[] = [];
  readonly suffixes: number[] = [];

  reset(): void {
    this.names.length = 0;
    this.suffixes.length = 0;
  }
}

/** Offset of the encoded name that the message is about; -1 when there is none in it. */
function findName({ view, payload, end }: Packet, compat: boolean): number {
  if (payload + HEADER + 1 + ENCODED > end) return -1;
  const isAsked = view.getUint16(payload + QUESTIONS) > 0;
  // The answer to a registration has no question; its name stands in the same place.
  if (!isAsked && (compat || view.getUint16(payload + ANSWERS) === 0)) return -1;
  if (view.getUint8(payload + HEADER) !== ENCODED) return -1;
  const name = payload + HEADER + 1;
  for (let at = name; at < name + ENCODED; at++) {
    const letter = view.getUint8(at);
    if (letter < LETTER.A || letter > LETTER.P) return -1;
  }
  return name;
}

/** The byte that two letters stand for. */
const decode = (view: DataView, at: number): number =>
  ((view.getUint8(at) - LETTER.A) << 4) | (view.getUint8(at + 1) - LETTER.A);

export default defineProtocol({
  name: "netbios",
  about: "The first name that a NetBIOS name service message of the flow is about, and its suffix.",
  fields: template("string NB_NAME, uint8 NB_SUFFIX"),
  elements: { NB_NAME: "e8057id831", NB_SUFFIX: "e8057id832" },
  watch: { protocols: [PROTOCOL.udp], ports: [PORT] },
  byDefault: true,
  source: "RFC 1001 section 14.1, RFC 1002 section 4.2",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new NetBios(),
    onPacket(packet, slot) {
      const at = findName(packet, compat);
      if (at < 0) return VERDICT.more;
      const { view } = packet;
      const state = slot.take();
      let name = "";
      for (let i = 0; i < NAME; i++) name += String.fromCharCode(decode(view, at + 2 * i));
      // ipfixprobe keeps the blanks that fill a name up.
      state.names.push(compat ? name : name.replace(FILL, ""));
      state.suffixes.push(decode(view, at + 2 * NAME));
      return compat && state.names.length < NAMES_MAX ? VERDICT.more : VERDICT.done;
    },
    // ipfixprobe sends a flow again for each of its names.
    rows: ({ names }) => names.length,
    write({ names, suffixes }, record, row) {
      record.NB_NAME = names[row]!;
      record.NB_SUFFIX = suffixes[row]!;
    },
  }),
});
