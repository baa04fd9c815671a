// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { carriesPacket, fillingHash, findV4, isAltered } from "./echo-data.ts";
import { Exchanges, Look, SIGN } from "./exchanges.ts";
import { alerts, type Flow, flows, params, type Setup } from "./fields.ts";

const TUNNEL = { category: "Anomaly.Protocol", techniques: ["T1095", "T1572"] } as const;
/** Type and code of echo requests and answers, of ICMP and of ICMPv6. */
const ECHO = { request: 8 << 8, answer: 0, request6: 128 << 8, answer6: 129 << 8 };
const ICMP = 1;

export default defineModule({
  name: "icmptunnel",
  about: "ICMP tunnel: two hosts move data in the echo messages of ping.",
  details: `
**Finds** hosts that move data in ICMP and ICMPv6 echo messages, as icmptx, ptunnel and hans do, past firewalls which let ping
through. Ping sends the same bytes again and again and gets them back; a tunnel does not.

**Counts** for each pair of hosts what speaks for data, in points: an IPv4 packet with a right checksum, an IPv6 packet or the mark of ptunnel lies
in the data (3); an answer has other data than the request of its number (2); more bytes came back than were sent, though not more
packets (2); sizes vary on both sides, and their means differ by more than 5 % (1); there are a quarter more answers than requests (1); the filling of
the data behind its first 32 bytes, where ping puts the time, changed three times (1). At 2 points and \`packetsMin\` packets it raises one event,
which it updates at doublings of the packets and when a packet is found in the data, and closes after \`idleTimeout\`. What lies in the data is read from
the first message of each direction of a flow, by the meter's plugin \`idpcontent\`; without it sizes and numbers remain.

It keeps quiet about what is ping: large packets, floods, tests of the path's MTU, monitoring at any pace, answers that are cut off (some public
servers do so) or filled with zeros, sweeps of many hosts.

**Evaded** by data that looks like ping's filling, by a tunnel that enciphers, sends one size only and has its answers echo, by fewer
than \`packetsMin\` packets before a pause longer than \`idleTimeout\`, and by other types of ICMP.

**Tune** \`packetsMin\` up if a monitoring system sends random filling and answers get lost; better mute the event for its address. Memory: 4 MB
at most as set by default.

**When it fires**: the addresses in the reason are those inside the tunnel. See which of your hosts has that interface, and take it off the
network; echo messages to hosts outside need no more than 64 bytes, which firewalls can hold them to.
`,
  rules: {
    packets: {
      ...TUNNEL,
      id: 9_000_290,
      title: "Packets tunnelled in ICMP echo",
      severity: 6,
      confidence: 0.95,
    },
    data: {
      ...TUNNEL,
      id: 9_000_291,
      title: "Data in ICMP echo",
      severity: 5,
      confidence: 0.6,
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const exchanges = new Exchanges(context);
    const look = new Look();
    const forward = new Message("IDP_CONTENT");
    const reverse = new Message("IDP_CONTENT_REV");

    function study(flow: Flow, cursor: AnyReader): void {
      const { PROTOCOL, L4_ICMP_TYPE_CODE: kind } = flow;
      look.isForward = kind === (PROTOCOL === ICMP ? ECHO.request : ECHO.request6);
      if (!look.isForward && kind !== (PROTOCOL === ICMP ? ECHO.answer : ECHO.answer6)) return;
      lookInside(cursor);
      if (look.isForward) exchanges.add(flow.SRC_IP, flow.DST_IP, flow, look);
      else exchanges.add(flow.DST_IP, flow.SRC_IP, flow, look);
    }

    function lookInside(cursor: AnyReader): void {
      look.signs = look.filling = look.innerSource = look.innerTarget = 0;
      const { view } = cursor;
      lookAt(view, forward.find(cursor));
      lookAt(view, reverse.find(cursor));
      look.filling = fillingHash(view, forward);
      const [request, answer] = look.isForward ? [forward, reverse] : [reverse, forward];
      if (isAltered(view, request, answer)) look.signs |= SIGN.altered;
    }

    function lookAt(view: DataView, message: Message): void {
      if (!carriesPacket(view, message)) return;
      look.signs |= SIGN.packet;
      const packet = findV4(view, message);
      if (packet < 0 || look.innerSource !== 0) return;
      look.innerSource = view.getUint32(packet + 12);
      look.innerTarget = view.getUint32(packet + 16);
    }

    return {
      announced(layout: Template) {
        forward.negotiate(layout);
        reverse.negotiate(layout);
      },
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        while (flow.next()) study(flow, cursor);
      },
      everySecond: (now: number) => exchanges.expire(now),
      end: () => exchanges.end(),
    };
  },
});

/** The first message of a direction, where the records have it. */
class Message {
  at = 0;
  length = 0;
  readonly #field: string;
  /** Where the descriptor lies; -1 in records without it. */
  #descriptor = -1;

  constructor(field: string) {
    this.#field = field;
  }

  negotiate(layout: Template): void {
    const field = fieldOf(layout, this.#field);
    this.#descriptor = field?.type === "bytes" ? field.offset : -1;
  }

  /** Look for it in the record under the cursor. */
  find(cursor: AnyReader): this {
    if (this.#descriptor < 0) return this;
    this.at = cursor.span(this.#descriptor);
    this.length = cursor.spanLength;
    return this;
  }
}
