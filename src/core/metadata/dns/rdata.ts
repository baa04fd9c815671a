// SPDX-License-Identifier: BSD-3-Clause
import { Address, ipText } from "../../unirec/ip.ts";
import { type DnsMessage, TYPE } from "./message.ts";
import { type DnsText, ESCAPES } from "./text.ts";

/** Writes the data of the message's record as text; false when they are not of its type. */
type Writer = (message: DnsMessage, out: DnsText) => boolean;

const address = new Address();
/** What stands for keys, digests and signatures. */
const KEY = " <key>";
const SOA_NUMBERS = 20;
const DS_HEADER = 4;
const DNSKEY_HEADER = 4;
const RRSIG_HEADER = 18;
const SRV_HEADER = 6;
const MX_HEADER = 2;
/** Bytes of data of other types, in hexadecimal. */
const HEX_MAX = 128;

/** The address of a record of type A; false when its data are none. */
export function readA({ view, data, dataEnd }: DnsMessage, into: Address): boolean {
  if (dataEnd - data !== 4) return false;
  into.setV4(view.getUint32(data));
  return true;
}

/** The address of a record of type AAAA (RFC 3596 section 2.2); false when its data are none. */
export function readAaaa({ view, data, dataEnd }: DnsMessage, into: Address): boolean {
  if (dataEnd - data !== 16) return false;
  into.w0 = view.getInt32(data, true);
  into.w1 = view.getInt32(data + 4, true);
  into.w2 = view.getInt32(data + 8, true);
  into.w3 = view.getInt32(data + 12, true);
  return true;
}

/** A name within the data, written; the offset behind it, negative when it is broken or ends elsewhere. */
function nameWithin(message: DnsMessage, at: number, out: DnsText): number {
  if (at >= message.dataEnd) return -1;
  const behind = message.name(at, out);
  return behind <= message.dataEnd ? behind : -1;
}

const named: Writer = (message, out) => nameWithin(message, message.data, out) === message.dataEnd;

function soa(message: DnsMessage, out: DnsText): boolean {
  const { view, data, dataEnd } = message;
  let at = nameWithin(message, data, out);
  if (at < 0) return false;
  at = nameWithin(message, at, out.ascii(" "));
  if (at < 0 || at + SOA_NUMBERS !== dataEnd) return false;
  for (; at < dataEnd; at += 4) out.ascii(` ${view.getUint32(at)}`);
  return true;
}

function minfo(message: DnsMessage, out: DnsText): boolean {
  const at = nameWithin(message, message.data, out);
  return at >= 0 && nameWithin(message, at, out.ascii(" ")) === message.dataEnd;
}

/** Numbers of two bytes in front of a name: MX, SRV. */
const numbered =
  (header: number): Writer =>
  (message, out) => {
    const { view, data, dataEnd } = message;
    if (data + header >= dataEnd) return false;
    for (let at = data; at < data + header; at += 2) out.ascii(`${view.getUint16(at)} `);
    return nameWithin(message, data + header, out) === dataEnd;
  };

/** Character strings (RFC 1035 section 3.3), a blank between them. */
function strings({ bytes, data, dataEnd }: DnsMessage, out: DnsText): boolean {
  for (let at = data; at < dataEnd; ) {
    const end = at + 1 + bytes[at]!;
    if (end > dataEnd) return false;
    if (at > data) out.ascii(" ");
    out.put(bytes, at + 1, end, ESCAPES.none);
    at = end;
  }
  return true;
}

function ds({ view, data, dataEnd }: DnsMessage, out: DnsText): boolean {
  if (data + DS_HEADER > dataEnd) return false;
  out.ascii(`${view.getUint16(data)} ${view.getUint8(data + 2)} ${view.getUint8(data + 3)}${KEY}`);
  return true;
}

function dnskey({ view, data, dataEnd }: DnsMessage, out: DnsText): boolean {
  if (data + DNSKEY_HEADER > dataEnd) return false;
  out.ascii(`${view.getUint16(data)} ${view.getUint8(data + 2)} ${view.getUint8(data + 3)}${KEY}`);
  return true;
}

/** The fields of RFC 4034 section 3.1, each as a number. */
function rrsig({ view, data, dataEnd }: DnsMessage, out: DnsText): boolean {
  if (data + RRSIG_HEADER > dataEnd) return false;
  out.ascii(`${view.getUint16(data)} ${view.getUint8(data + 2)} ${view.getUint8(data + 3)}`);
  for (let at = data + 4; at < data + 16; at += 4) out.ascii(` ${view.getUint32(at)}`);
  out.ascii(` ${view.getUint16(data + 16)}${KEY}`);
  return true;
}

/** Data of a type that is not known (RFC 3597 section 5). */
function unknown({ bytes, data, dataEnd }: DnsMessage, out: DnsText): boolean {
  out.ascii(`\\# ${dataEnd - data} `);
  for (let at = data; at < Math.min(dataEnd, data + HEX_MAX); at++)
    out.ascii(bytes[at]!.toString(16).padStart(2, "0"));
  return true;
}

const WRITERS: ReadonlyMap<number, Writer> = new Map([
  [TYPE.a, (message, out) => readA(message, address) && written(out)],
  [TYPE.aaaa, (message, out) => readAaaa(message, address) && written(out)],
  [TYPE.ns, named],
  [TYPE.cname, named],
  [TYPE.ptr, named],
  [TYPE.dname, named],
  [TYPE.soa, soa],
  [TYPE.minfo, minfo],
  [TYPE.mx, numbered(MX_HEADER)],
  [TYPE.srv, numbered(SRV_HEADER)],
  [TYPE.txt, strings],
  [TYPE.hinfo, strings],
  [TYPE.ds, ds],
  [TYPE.dnskey, dnskey],
  [TYPE.rrsig, rrsig],
] as [number, Writer][]);

function written(out: DnsText): boolean {
  out.ascii(ipText(address));
  return true;
}

/** Write the data of the message's record as text. Where they are broken the message is marked as such. */
export function writeRdata(message: DnsMessage, out: DnsText): void {
  // An update names records without data (RFC 2136 section 2.5).
  if (message.data === message.dataEnd) return;
  const write = WRITERS.get(message.type) ?? unknown;
  if (write(message, out)) return;
  out.clear();
  message.breakData();
}
