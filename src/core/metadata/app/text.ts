// SPDX-License-Identifier: BSD-3-Clause
/** Protocols of text, known by how their first message starts. @module */
import type { Packet } from "../packet.ts";

interface Signature {
  readonly name: string;
  readonly start: Uint8Array;
}

/** Text that a first message of either side may start with, the longer before what it starts with itself. */
const STARTS: Readonly<Record<string, readonly string[]>> = {
  rtsp: ["RTSP/1.", ...words("OPTIONS DESCRIBE SETUP PLAY ANNOUNCE", " rtsp")],
  sip: [
    "SIP/2.0 ",
    ...words("INVITE REGISTER OPTIONS ACK BYE CANCEL SUBSCRIBE NOTIFY PUBLISH", " sip"),
    ...words("MESSAGE REFER INFO UPDATE PRACK", " sip"),
  ],
  ssdp: ["M-SEARCH * HTTP/1.", "NOTIFY * HTTP/1."],
  http: [
    "HTTP/1.",
    "PRI * HTTP/2.",
    ...words("GET POST HEAD PUT DELETE OPTIONS CONNECT PATCH TRACE", " "),
    ...words("PROPFIND PROPPATCH MKCOL REPORT", " "),
  ],
  ssh: ["SSH-"],
  smtp: ["EHLO ", "HELO ", "ehlo ", "helo ", "LHLO "],
  imap: ["* OK", "* PREAUTH", "* BYE"],
  pop3: ["+OK", "-ERR "],
  redis: ["PING\r\n", "INFO\r\n", "-NOAUTH ", "-DENIED Redis"],
  rfb: ["RFB 00"],
  bittorrent: ["\x13BitTorrent protocol"],
};

/** Commands that only FTP has, after a greeting that SMTP has as well. */
const FTP_COMMANDS = words("USER AUTH FEAT SYST OPTS CLNT ACCT user auth feat syst", "");
/** Bytes of a greeting that are searched for the name of its protocol. */
const GREETING_MAX = 256;

function words(list: string, end: string): string[] {
  return list.split(" ").map((word) => word + end);
}

function byFirstByte(starts: Readonly<Record<string, readonly string[]>>): Signature[][] {
  const table: Signature[][] = Array.from({ length: 256 }, () => []);
  for (const [name, texts] of Object.entries(starts))
    for (const text of texts) {
      const start = Uint8Array.from(text, (char) => char.charCodeAt(0));
      table[start[0]!]!.push({ name, start });
    }
  return table;
}

const SIGNATURES = byFirstByte(STARTS);
const AFTER_GREETING = byFirstByte({
  smtp: [...STARTS["smtp"]!, "QUIT", "STARTTLS"],
  ftp: FTP_COMMANDS,
});

function find(table: readonly (readonly Signature[])[], { bytes, payload, end }: Packet): string {
  if (payload >= end) return "";
  for (const { name, start } of table[bytes[payload]!]!) {
    if (payload + start.length > end) continue;
    let i = 1;
    while (i < start.length && bytes[payload + i] === start[i]) i++;
    if (i === start.length) return name;
  }
  return "";
}

/** Name of the protocol whose first message a payload is; empty when there is none. */
export const textProtocol = (packet: Packet): string => find(SIGNATURES, packet);

/** Name of the protocol of a command after a greeting; empty when it tells nothing. */
export const commandProtocol = (packet: Packet): string => find(AFTER_GREETING, packet);

/** Whether a payload is a greeting as FTP and SMTP have it: the code 220. */
export function isGreeting({ bytes, payload, end }: Packet): boolean {
  if (payload + 4 > end) return false;
  const [a, b, c, d] = [bytes[payload], bytes[payload + 1], bytes[payload + 2], bytes[payload + 3]];
  return a === 0x32 && b === 0x32 && c === 0x30 && (d === 0x20 || d === 0x2d);
}

/** Name of the protocol that a greeting gives itself; empty when it does not. */
export function greetingProtocol({ view, payload, end }: Packet): string {
  const size = Math.min(end - payload, GREETING_MAX);
  const text = Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + payload, size)
    .toString("latin1")
    .toUpperCase();
  if (text.includes("SMTP")) return "smtp";
  return text.includes("FTP") ? "ftp" : "";
}
