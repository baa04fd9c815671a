// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

const PORT = 123;
/** Header without extensions: RFC 5905 section 7.3. */
const HEADER = 48;
const AT = { id: 12, reference: 16, origin: 24, receive: 32, transmit: 40 } as const;
const MODE = { client: 3, server: 4, broadcast: 5, control: 6, private: 7 } as const;
const VERSION = 4;
const STRATUM_MAX = 16;
const POLL_MAX = 17;
/** What ipfixprobe says for delay and dispersion, which it does not read. */
const NOT_READ = 9;
/** Kiss codes that ipfixprobe writes as text. */
const KISSES = ["INIT", "STEP", "DENY", "RATE"];
const NOT_PRINTED = /[^\x20-\x7e]/g;

class Ntp implements FlowState {
  /** The first 48 bytes of the message; of one that does not tell the time, the first alone. */
  readonly header = new DataView(new ArrayBuffer(HEADER));

  reset(): void {
    for (let at = 0; at < HEADER; at += 4) this.header.setUint32(at, 0);
  }
}

/** Whether the payload is a message of NTP; in compat mode one that ipfixprobe takes. */
function isNtp({ view, payload, size }: Packet, compat: boolean): boolean {
  if (size < 4) return false;
  const first = view.getUint8(payload);
  const version = (first >>> 3) & 7;
  const mode = first & 7;
  if (version < 1 || version > VERSION || mode === 0) return false;
  // Control and private messages have another layout: that there are some is what is to be seen.
  if (mode === MODE.control || mode === MODE.private) return !compat;
  if (size < HEADER || view.getUint8(payload + 1) > STRATUM_MAX) return false;
  if (!compat) return true;
  const isQuery = mode === MODE.client || mode === MODE.server;
  return version === VERSION && isQuery && view.getUint8(payload + 2) <= POLL_MAX;
}

const fraction = (units: number): string =>
  Math.floor((units / 2 ** 32) * 1e6)
    .toString()
    .padStart(6, "0");

/** A time as text: seconds since 1900, microseconds. */
const timestamp = (header: DataView, at: number): string =>
  `${header.getUint32(at)}.${fraction(header.getUint32(at + 4))}`;

/** Four bytes as ipfixprobe reads them: their hexadecimal digits in a row, without the zero before a single one. */
function digits(header: DataView, at: number): number {
  let text = "";
  for (let i = at; i < at + 4; i++) text += header.getUint8(i).toString(16);
  return Number.parseInt(text, 16);
}

/** A time as ipfixprobe writes it. */
const timestampCompat = (header: DataView, at: number): string =>
  digits(header, at) + (digits(header, at + 4) / 2 ** 32).toFixed(6).slice(1);

/** The source of a server's time: an address, or four letters where the server has none (RFC 5905 section 7.3). */
function referenceId(header: DataView, compat: boolean): string {
  const bytes = [0, 1, 2, 3].map((i) => header.getUint8(AT.id + i));
  const stratum = header.getUint8(1);
  const letters = String.fromCharCode(...bytes).replace(NOT_PRINTED, "");
  const isText = compat ? stratum === 0 && KISSES.includes(letters) : stratum <= 1;
  return isText ? letters : bytes.join(".");
}

export default defineProtocol({
  name: "ntp",
  about: "Time synchronization: the server's answer, or the first message where there is none.",
  fields: template(
    "uint8 NTP_LEAP, uint8 NTP_VERSION, uint8 NTP_MODE, uint8 NTP_STRATUM, uint8 NTP_POLL, uint8 NTP_PRECISION, uint32 NTP_DELAY, uint32 NTP_DISPERSION, string NTP_REF_ID, string NTP_REF, string NTP_ORIG, string NTP_RECV, string NTP_SENT",
  ),
  elements: {
    NTP_LEAP: "e8057id18",
    NTP_VERSION: "e8057id19",
    NTP_MODE: "e8057id20",
    NTP_STRATUM: "e8057id21",
    NTP_POLL: "e8057id22",
    NTP_PRECISION: "e8057id23",
    NTP_DELAY: "e8057id24",
    NTP_DISPERSION: "e8057id25",
    NTP_REF_ID: "e8057id26",
    NTP_REF: "e8057id27",
    NTP_ORIG: "e8057id28",
    NTP_RECV: "e8057id29",
    NTP_SENT: "e8057id30",
  },
  watch: { protocols: [PROTOCOL.udp], ports: [PORT] },
  byDefault: true,
  source: "RFC 5905 section 7.3, RFC 9327",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new Ntp(),
    onPacket(packet, slot) {
      // ipfixprobe ends a flow of this port with its first packet, whatever that is.
      const next = compat ? VERDICT.done | VERDICT.end : VERDICT.more;
      if (!isNtp(packet, compat)) return next;
      const { view, payload } = packet;
      const mode = view.getUint8(payload) & 7;
      const isAnswer = mode === MODE.server;
      // The first message, unless the server's answer follows: it says more.
      if (slot.state && !isAnswer) return next;
      const { header } = slot.take();
      const size = mode < MODE.control ? HEADER : 1;
      for (let at = 0; at < size; at++) header.setUint8(at, view.getUint8(payload + at));
      return isAnswer ? next | VERDICT.done : next;
    },
    write({ header }, record) {
      const first = header.getUint8(0);
      record.NTP_LEAP = first >>> 6;
      record.NTP_VERSION = (first >>> 3) & 7;
      record.NTP_MODE = first & 7;
      if ((first & 7) >= MODE.control) return;
      record.NTP_STRATUM = header.getUint8(1);
      record.NTP_POLL = header.getUint8(2);
      record.NTP_PRECISION = header.getUint8(3);
      record.NTP_DELAY = compat ? NOT_READ : header.getUint32(4);
      record.NTP_DISPERSION = compat ? NOT_READ : header.getUint32(8);
      const time = compat ? timestampCompat : timestamp;
      record.NTP_REF_ID = referenceId(header, compat);
      record.NTP_REF = time(header, AT.reference);
      record.NTP_ORIG = time(header, AT.origin);
      record.NTP_RECV = time(header, AT.receive);
      record.NTP_SENT = time(header, AT.transmit);
    },
  }),
});
