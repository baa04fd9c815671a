// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { binaryProtocol } from "../app/binary.ts";
import { commandProtocol, greetingProtocol, isGreeting, textProtocol } from "../app/text.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

/** Packets with payload after a greeting that could be of two protocols. */
const AFTER_GREETING_MAX = 4;

class App implements FlowState {
  name = "";
  /** Packets since the greeting. */
  packets = 0;

  reset(): void {
    this.name = "";
    this.packets = 0;
  }
}

/** Look for the command that tells what a greeting did not. */
function listen(packet: Packet, app: App): number {
  app.name = commandProtocol(packet) || (isGreeting(packet) ? greetingProtocol(packet) : "");
  app.packets++;
  return app.name !== "" || app.packets >= AFTER_GREETING_MAX ? VERDICT.done : VERDICT.more;
}

export default defineProtocol({
  name: "appproto",
  about: "Which protocol a flow is, by its first bytes whatever its port; in lower case.",
  fields: template("string APP_PROTO"),
  // Nobody has given it an element; this enterprise number is that of examples (RFC 5612).
  elements: { APP_PROTO: "e32473id6" },
  watch: { protocols: [PROTOCOL.tcp, PROTOCOL.udp] },
  byDefault: true,
  source: "the standards of the protocols; MS-SMB2, MS-RDPBCGR and the manuals of databases",
  setup: () => ({
    create: () => new App(),
    onPacket(packet, slot) {
      if (slot.state) return listen(packet, slot.state);
      const greets = packet.protocol === PROTOCOL.tcp && isGreeting(packet);
      if (greets) {
        const app = slot.take();
        app.name = greetingProtocol(packet);
        return app.name === "" ? VERDICT.more : VERDICT.done;
      }
      const name = textProtocol(packet) || binaryProtocol(packet);
      if (name !== "") slot.take().name = name;
      return VERDICT.done;
    },
    write({ name }, record) {
      record.APP_PROTO = name;
    },
  }),
});
