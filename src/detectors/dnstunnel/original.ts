// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync, writeFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import { Address, isV4, swap } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { DNS, type Flow, type Setup } from "./fields.ts";
import { AddressList, linesOf } from "./lists.ts";
import { Client } from "./original-client.ts";
import { type Alarm, evaluate } from "./original-evaluation.ts";
import { readLimits } from "./original-limits.ts";

/** Longest name of its exporter; a longer one is cut at a dot and gets a tail. */
const NAME_MAX = 126;
const NAME_BUFFER = 254;
const TAIL = "max_length_domain";
/** Longest text of its buffers. */
const TEXT_MAX = 254;
const decoder = new TextDecoder("latin1");

function cutName(name: string): string {
  const kept = name.slice(0, NAME_BUFFER);
  return kept.length < NAME_MAX ? kept : kept.slice(0, kept.lastIndexOf(".") + 1) + TAIL;
}

/** dnstunnel_detection as it is, for each address, evaluated when a session of wall time is over and at the end. */
export function original({ params: settings, out, clock, count, warn }: Setup) {
  const limits = readLimits(settings);
  const domains = new Set(linesOf(settings.domainsFile));
  const ignored = new AddressList(linesOf(settings.clientsFile, ";"), warn);
  const clients = new Map<string, Client>();
  let event = readEvent(settings.eventFile, warn);
  const wallSeconds = (): number => Math.floor(clock.now() / SECOND);
  let begun = wallSeconds();
  let latest = begun;

  function clientOf(ip: Flow["SRC_IP"]): Client {
    const key = String(ip);
    let client = clients.get(key);
    if (client) clients.delete(key);
    else {
      client = new Client(Address.of(ip));
      if (clients.size >= settings.pairsMax) {
        clients.delete(clients.keys().next().value!);
        count("clients_evicted");
      }
    }
    clients.set(key, client);
    return client;
  }

  function alarm({ client, suspects, ...alert }: Alarm): void {
    out.alerts.send({
      SRC_IP: client.ip,
      EVENT_ID: suspects.event,
      TUNNEL_CNT_PACKET: suspects.sum,
      TIME_FIRST: suspects.since * SECOND,
      TIME_LAST: client.timeLast * SECOND,
      ...alert,
    });
  }

  function capture(client: Client): void {
    const { record } = out.sdm;
    record.begin();
    record.SRC_IP = client.ip;
    record.PACKETS = limits.sdmPackets;
    record.TIMEOUT = limits.sdmTimeout;
    record.SDM_CAPTURE_FILE_ID = `tunnel_detection_${client.requestTunnel!.event}`;
    out.sdm.push();
  }

  function evaluateAll(): void {
    // Its trees go through addresses in their order, IPv4 first.
    for (const [key, client] of [...clients].sort(([, a], [, b]) => compare(a, b))) {
      evaluate(client, { limits, alarm, capture, nextEvent: () => event++ });
      if (client.isFresh) clients.delete(key);
    }
  }

  function take(flow: Flow, wall: number): void {
    const isResponse = flow.DST_PORT !== DNS;
    const name = cutName(flow.DNS_NAME);
    if (isBelow(name, domains)) return;
    if (!ignored.isEmpty && (ignored.has(flow.SRC_IP) || ignored.has(flow.DST_IP))) return;
    const client = clientOf(isResponse ? flow.DST_IP : flow.SRC_IP);
    client.take(
      {
        isResponse,
        size: flow.BYTES,
        name,
        type: flow.DNS_QTYPE,
        answer: decoder.decode(flow.DNS_RDATA.subarray(0, TEXT_MAX)),
        wall,
      },
      limits,
    );
    if (client.dropped > 0) count("names_dropped", client.dropped);
    client.dropped = 0;
  }

  return {
    flows(flow: Flow) {
      const wall = wallSeconds();
      while (flow.next()) {
        if (latest - begun > settings.session) {
          evaluateAll();
          begun = wall;
        }
        take(flow, wall);
        latest = wall;
      }
    },
    end() {
      evaluateAll();
      writeEvent(settings.eventFile, event, warn);
    },
  };
}

/** Whether a name or one that it is below of is among these. */
function isBelow(name: string, domains: ReadonlySet<string>): boolean {
  if (domains.size === 0) return false;
  for (let at = 0; ; ) {
    if (domains.has(name.slice(at))) return true;
    const dot = name.indexOf(".", at);
    if (dot < 0) return false;
    at = dot + 1;
  }
}

function compare({ ip: a }: Client, { ip: b }: Client): number {
  if (isV4(a) !== isV4(b)) return isV4(a) ? -1 : 1;
  for (const word of ["w0", "w1", "w2", "w3"] as const)
    if (a[word] !== b[word]) return (swap(a[word]) >>> 0) - (swap(b[word]) >>> 0);
  return 0;
}

/** The next EVENT_ID; 0 where the file does not say. */
function readEvent(path: string, warn: (message: string) => void): number {
  if (path === "") return 0;
  try {
    const event = Number.parseInt(readFileSync(path, "utf8"), 10);
    return event >= 0 && event < 2 ** 32 ? event : 0;
  } catch {
    warn(`dnstunnel: no last EVENT_ID in ${path}: they begin with 0`);
    return 0;
  }
}

function writeEvent(path: string, event: number, warn: (message: string) => void): void {
  if (path === "") return;
  try {
    writeFileSync(path, `${event}\n`);
  } catch (error) {
    warn(`dnstunnel: cannot write the last EVENT_ID: ${messageOf(error)}`);
  }
}
