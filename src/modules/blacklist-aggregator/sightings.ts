// SPDX-License-Identifier: BSD-3-Clause
import { type Reader, template } from "../../core/unirec/template.ts";

export const ipAlerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, ?uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL,
  uint64 SRC_BLACKLIST, uint64 DST_BLACKLIST, uint64 BYTES, uint32 PACKETS, ?uint32 COUNT,
  time TIME_FIRST, time TIME_LAST
`);
export const urlAlerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint64 BLACKLIST,
  uint64 BYTES, uint32 PACKETS, time TIME_FIRST, time TIME_LAST,
  string HTTP_REQUEST_HOST, string HTTP_REQUEST_URL, string HTTP_REQUEST_REFERER
`);
type IpAlert = Reader<typeof ipAlerts>;
type UrlAlert = Reader<typeof urlAlerts>;

/** What a side has sent. */
export interface Sent {
  readonly bytes: number;
  readonly flows: number;
  readonly packets: number;
}
export const NOTHING: Sent = { bytes: 0, flows: 0, packets: 0 };

/** What an alert says of one entry of one list. */
export interface Sighting {
  /** The entry and the list: sightings of one key make one event. */
  readonly key: string;
  /** The entry in the words of an event. */
  readonly entry: object;
  readonly protocol: number;
  /** Bit of the list. */
  readonly list: bigint;
  /** Who spoke with the entry. */
  readonly target: string;
  /** Port of the entry, where it is known. */
  readonly port: number | undefined;
  readonly byEntry: Sent;
  readonly byTarget: Sent;
  /** Microseconds since 1970. */
  readonly first: number;
  readonly last: number;
}

/** Whichever end is listed, or both, by each of its lists. */
export function* ofIp(alert: IpAlert): Generator<Sighting> {
  const [source, target] = [String(alert.SRC_IP), String(alert.DST_IP)];
  const protocol = alert.PROTOCOL;
  const flows = alert.has.COUNT ? alert.COUNT : 1;
  const sent = { bytes: alert.BYTES, flows, packets: alert.PACKETS };
  const times = { first: alert.TIME_FIRST, last: alert.TIME_LAST };
  const seen = (listed: string, list: bigint) => ({
    key: `ip ${listed} ${protocol} ${list}`,
    entry: { type: "ip", source: listed },
    protocol,
    list,
    ...times,
  });
  const port = alert.has.SRC_PORT ? alert.SRC_PORT : undefined;
  for (const list of bitsOf(alert.raw.SRC_BLACKLIST))
    yield { ...seen(source, list), target, port, byEntry: sent, byTarget: NOTHING };
  for (const list of bitsOf(alert.raw.DST_BLACKLIST))
    yield {
      ...seen(target, list),
      target: source,
      port: alert.DST_PORT,
      byEntry: NOTHING,
      byTarget: sent,
    };
}

/** A request for a listed URL, by each of its lists; `text` keeps the sender's strings within bounds. */
export function* ofUrl(alert: UrlAlert, text: (value: string) => string): Generator<Sighting> {
  const host = text(alert.HTTP_REQUEST_HOST);
  const path = text(alert.HTTP_REQUEST_URL);
  const name = JSON.stringify([host.toLowerCase().replace(WWW, ""), path]);
  const server = String(alert.DST_IP);
  const isHostAlone = path.length <= 1;
  const entry = {
    type: "url",
    source_ip: server,
    source_url: isHostAlone ? host : host + path,
    referer: text(alert.HTTP_REQUEST_REFERER),
    is_only_fqdn: isHostAlone,
  };
  for (const list of bitsOf(alert.raw.BLACKLIST))
    yield {
      key: `url ${name} ${server} ${alert.PROTOCOL} ${list}`,
      entry,
      protocol: alert.PROTOCOL,
      list,
      target: String(alert.SRC_IP),
      port: alert.DST_PORT,
      byEntry: NOTHING,
      byTarget: { bytes: alert.BYTES, flows: 1, packets: alert.PACKETS },
      first: alert.TIME_FIRST,
      last: alert.TIME_LAST,
    };
}

const WWW = /^www\./;

/** The bits that are set, one by one. */
function* bitsOf(bitmap: bigint): Generator<bigint> {
  for (let rest = bitmap; rest !== 0n; rest &= rest - 1n) yield rest & -rest;
}
