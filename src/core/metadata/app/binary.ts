// SPDX-License-Identifier: BSD-3-Clause
/** Protocols of binary messages, known by what their first message has to be. @module */
import { type Packet, PROTOCOL } from "../packet.ts";

/** Whether a payload of at least `min` captured bytes is the first message of a protocol. */
interface Signature {
  readonly name: string;
  readonly protocol: number;
  readonly min: number;
  matches(packet: Packet): boolean;
}

const { tcp, udp } = PROTOCOL;

/** Tags of LDAP's requests and answers (RFC 4511 section 4.2 and following). */
const LDAP_TAGS: ReadonlySet<number> = new Set([
  0x42, 0x4a, 0x50, 0x60, 0x61, 0x63, 0x64, 0x65, 0x66, 0x68, 0x6c, 0x6e, 0x77, 0x78,
]);
/** Tags of Kerberos' AS and TGS requests and answers, and of its errors (RFC 4120 section 5.10). */
const KERBEROS_TAGS: ReadonlySet<number> = new Set([0x6a, 0x6b, 0x6c, 0x6d, 0x7e]);
/** PostgreSQL's startup, cancel, TLS and GSSAPI requests, by what follows their length. */
const POSTGRES_REQUESTS: ReadonlySet<number> = new Set([
  0x00030000, 0x04d2162e, 0x04d2162f, 0x04d21630,
]);
const QUIC_VERSIONS: ReadonlySet<number> = new Set([1, 0x6b3343cf]);

/** Offset behind the length of a BER value, whose first byte is at `at`; -1 for one that no message has. */
function behindLength({ view, end }: Packet, at: number): number {
  if (at >= end) return -1;
  const first = view.getUint8(at);
  if (first < 0x80) return at + 1;
  const more = first & 0x7f;
  return more === 0 || more > 4 ? -1 : at + 1 + more;
}

/** Offset of what follows an integer of 1 to 4 bytes inside of a sequence at the payload's start; -1 for others. */
function behindInteger(packet: Packet): number {
  const { view, payload, end } = packet;
  if (view.getUint8(payload) !== 0x30) return -1;
  const at = behindLength(packet, payload + 1);
  if (at < 0 || at + 2 > end || view.getUint8(at) !== 2) return -1;
  const size = view.getUint8(at + 1);
  return size >= 1 && size <= 4 && at + 2 + size < end ? at + 2 + size : -1;
}

function isLdap(packet: Packet): boolean {
  const at = behindInteger(packet);
  return at >= 0 && LDAP_TAGS.has(packet.view.getUint8(at));
}

/** SNMP: version, then a community or, in version 3, a sequence (RFC 3416, 3412). */
function isSnmp(packet: Packet): boolean {
  const at = behindInteger(packet);
  if (at < 0) return false;
  const version = packet.view.getUint8(at - 1);
  const tag = packet.view.getUint8(at);
  return (version <= 1 && tag === 0x04) || (version === 3 && tag === 0x30);
}

/** A Kerberos message at an offset: the protocol's version 5 comes first in all of them. */
function isKerberosAt(packet: Packet, start: number): boolean {
  const { view, end } = packet;
  if (start >= end || !KERBEROS_TAGS.has(view.getUint8(start))) return false;
  const sequence = behindLength(packet, start + 1);
  if (sequence < 0 || sequence >= end || view.getUint8(sequence) !== 0x30) return false;
  const at = behindLength(packet, sequence + 1);
  if (at < 0 || at + 5 > end) return false;
  const field = view.getUint8(at);
  return (field === 0xa0 || field === 0xa1) && view.getUint32(at + 1) === 0x03020105;
}

/** A DNS message at an offset with one question, whose name and class are such. */
function isDnsAt({ view, end }: Packet, start: number): boolean {
  if (start + 17 > end || view.getUint16(start + 4) !== 1) return false;
  // Opcodes up to UPDATE, the zero bit; a query has no answers, and neither has many records.
  const flags = view.getUint16(start + 2);
  if (((flags >>> 11) & 15) > 5 || (flags & 0x40) !== 0) return false;
  if ((flags & 0x8000) === 0 && view.getUint16(start + 6) !== 0) return false;
  let at = start + 12;
  for (let size = view.getUint8(at); size !== 0; size = view.getUint8(at)) {
    at += 1 + size;
    if (size > 63 || at + 5 > end) return false;
  }
  const type = view.getUint16(at + 1);
  // The highest bit of a class is mDNS' (RFC 6762 section 18).
  const kind = view.getUint16(at + 3) & 0x7fff;
  return type !== 0 && ((kind >= 1 && kind <= 4) || kind >= 254) && kind <= 255;
}

/** X.224 connection request or confirm of RDP: its negotiation or cookie tells it from others' (MS-RDPBCGR 2.2.1). */
function isRdp({ view, payload, size }: Packet): boolean {
  if (view.getUint16(payload) !== 0x0300) return false;
  const kind = view.getUint8(payload + 5);
  if (kind !== 0xe0 && kind !== 0xd0) return false;
  if (size === 11) return view.getUint16(payload + 2) === 11;
  const next = view.getUint8(payload + 11);
  if (kind === 0xd0) return next === 2 || next === 3;
  // "Cookie: ", or a negotiation request of 8 bytes.
  return next === 0x43 || (next === 1 && size >= 15 && view.getUint16(payload + 13, true) === 8);
}

/** MySQL's and MariaDB's handshake: protocol version 10 and the server's version as text. */
function isMysql({ view, payload, payloadLength }: Packet): boolean {
  const size = view.getUint32(payload, true);
  const digit = view.getUint8(payload + 5);
  return (
    size + 4 === payloadLength &&
    view.getUint8(payload + 4) === 10 &&
    digit >= 0x30 &&
    digit <= 0x39
  );
}

/** A command of Redis: an array of strings. */
function isRedis({ view, payload, end }: Packet): boolean {
  if (view.getUint8(payload) !== 0x2a) return false;
  let at = payload + 1;
  while (at < end && at < payload + 5 && isDigit(view.getUint8(at))) at++;
  return at > payload + 1 && at + 3 <= end && view.getUint16(at) === 0x0d0a
    ? view.getUint8(at + 2) === 0x24
    : false;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** MQTT's CONNECT: its name is behind a length of 1 to 4 bytes (MQTT 5.0 section 3.1). */
function isMqtt({ view, payload, end }: Packet): boolean {
  if (view.getUint8(payload) !== 0x10) return false;
  let at = payload + 1;
  while (at < end && at < payload + 4 && view.getUint8(at) >= 0x80) at++;
  at++;
  if (at + 6 > end) return false;
  const name = view.getUint32(at + 2);
  const size = view.getUint16(at);
  return (size === 4 && name === 0x4d515454) || (size === 6 && name === 0x4d514973);
}

/** NTP on its port: versions 1 to 4, modes 1 to 5 (RFC 5905 section 7.3). */
function isNtp({ view, payload, sourcePort, targetPort }: Packet): boolean {
  if (sourcePort !== 123 && targetPort !== 123) return false;
  const first = view.getUint8(payload);
  const version = (first >>> 3) & 7;
  const mode = first & 7;
  return version >= 1 && version <= 4 && mode >= 1 && mode <= 5;
}

const SIGNATURES: readonly Signature[] = [
  {
    name: "tls",
    protocol: tcp,
    min: 6,
    matches: ({ view, payload }) => {
      const kind = view.getUint8(payload + 5);
      return (
        view.getUint16(payload) === 0x1603 &&
        view.getUint8(payload + 2) <= 4 &&
        (kind === 1 || kind === 2)
      );
    },
  },
  {
    name: "smb",
    protocol: tcp,
    min: 8,
    matches: ({ view, payload }) => {
      const kind = view.getUint8(payload + 4);
      const isSmb = (view.getUint32(payload + 4) & 0xffffff) === 0x534d42;
      return isSmb && kind >= 0xfc && view.getUint8(payload) === 0;
    },
  },
  { name: "rdp", protocol: tcp, min: 11, matches: isRdp },
  { name: "mysql", protocol: tcp, min: 6, matches: isMysql },
  {
    name: "postgresql",
    protocol: tcp,
    min: 8,
    matches: ({ view, payload, payloadLength }) =>
      view.getUint32(payload) === payloadLength &&
      POSTGRES_REQUESTS.has(view.getUint32(payload + 4)),
  },
  { name: "redis", protocol: tcp, min: 5, matches: isRedis },
  { name: "mqtt", protocol: tcp, min: 8, matches: isMqtt },
  {
    name: "kerberos",
    protocol: tcp,
    min: 14,
    matches: (packet) =>
      packet.view.getUint32(packet.payload) === packet.payloadLength - 4 &&
      isKerberosAt(packet, packet.payload + 4),
  },
  {
    name: "kerberos",
    protocol: udp,
    min: 10,
    matches: (packet) => isKerberosAt(packet, packet.payload),
  },
  { name: "ldap", protocol: tcp, min: 7, matches: isLdap },
  { name: "ldap", protocol: udp, min: 7, matches: isLdap },
  { name: "snmp", protocol: udp, min: 7, matches: isSnmp },
  {
    name: "dns",
    protocol: tcp,
    min: 19,
    matches: (packet) =>
      packet.view.getUint16(packet.payload) === packet.payloadLength - 2 &&
      isDnsAt(packet, packet.payload + 2),
  },
  {
    name: "netbios",
    protocol: udp,
    min: 17,
    // RFC 1002 section 4.2: names travel in DNS's format, on a port of their own.
    matches: (packet) =>
      (packet.sourcePort === 137 || packet.targetPort === 137) && isDnsAt(packet, packet.payload),
  },
  { name: "dns", protocol: udp, min: 17, matches: (packet) => isDnsAt(packet, packet.payload) },
  {
    name: "quic",
    protocol: udp,
    min: 7,
    matches: ({ view, payload }) => {
      const version = view.getUint32(payload + 1);
      const isKnown = QUIC_VERSIONS.has(version) || version >>> 8 === 0xff0000;
      return view.getUint8(payload) >= 0xc0 && isKnown && view.getUint8(payload + 5) <= 20;
    },
  },
  { name: "ntp", protocol: udp, min: 48, matches: isNtp },
  {
    name: "telnet",
    protocol: tcp,
    min: 3,
    // RFC 854: WILL, WON'T, DO, DON'T behind the escape.
    matches: ({ view, payload }) =>
      view.getUint8(payload) === 0xff && view.getUint8(payload + 1) >= 0xfb,
  },
];

/** Name of the protocol whose first message a payload is; empty when there is none. */
export function binaryProtocol(packet: Packet): string {
  const { protocol, size } = packet;
  for (const signature of SIGNATURES)
    if (signature.protocol === protocol && size >= signature.min && signature.matches(packet))
      return signature.name;
  return "";
}
