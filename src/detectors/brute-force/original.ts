// SPDX-License-Identifier: BSD-3-Clause
import { Address, swap } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import type { Limits } from "./config.ts";
import { type Flow, RULES, record, SAME, type Setup, TCP } from "./fields.ts";
import { type Files, readAgain, readFiles } from "./files.ts";
import { Client, Profiles } from "./original-clients.ts";
import { isScan, isWithin, SERVICE, type Side, serviceOfPort, watched } from "./services.ts";

/** Longest NOTE; the original's overflows. */
const NOTE_MAX = 60_000;

/** brute_force_detector as it is. */
export function original(context: Setup) {
  // Its records have neither the server nor times of their own.
  context.out.alerts.announce(record);
  const detector = new Original(context);
  return {
    flows(flow: Flow) {
      while (flow.next()) {
        if (flow.PROTOCOL !== TCP) continue;
        detector.take(forward(flow));
        if (flow.PACKETS_REV > 0) detector.take(reverse(flow));
      }
    },
    ask: () => detector.readAgain(),
  };
}

class Original {
  readonly #context: Setup;
  readonly #isWatched: readonly boolean[];
  readonly #clients: readonly Map<string, Client>[];
  readonly #profiles: Profiles;
  /** Seconds between two checks: as they were at the start, whatever the file says later. */
  readonly #reportCheck: number;
  readonly #deleteCheck: number;
  #files: Files;
  #reportsChecked = 0;
  #deletesChecked = 0;

  constructor(context: Setup) {
    this.#context = context;
    this.#files = readFiles(context);
    this.#isWatched = watched(context.params);
    this.#clients = this.#isWatched.map(() => new Map<string, Client>());
    this.#profiles = new Profiles(context.params.serversMax, context.count);
    const { reportCheck, deleteCheck } = this.#files.config.general;
    this.#reportCheck = reportCheck * SECOND;
    this.#deleteCheck = deleteCheck * SECOND;
  }

  readAgain(): void {
    this.#files = readAgain(this.#context, this.#files);
  }

  take(leg: Leg): void {
    const from = serviceOfPort(leg.srcPort);
    const to = serviceOfPort(leg.dstPort);
    for (const [service, isWatched] of this.#isWatched.entries())
      if (isWatched && (to === service || from === service)) this.#study(service, leg, to >= 0);
    this.#endSilent(leg.time);
    this.#forget(leg.time);
  }

  #study(service: number, leg: Leg, isIncoming: boolean): void {
    const { time } = leg;
    const matched = this.#isMatched(service, leg, isIncoming);
    const client = this.#clientOf(service, isIncoming ? leg.src : leg.dst);
    if (isScan(service, leg)) return;
    client.last = time;
    const victim = Address.of(isIncoming ? leg.dst : leg.src);
    const list = isIncoming ? client.incoming : client.outgoing;
    const { listSize } = this.#files.config.limits[service]!;
    list.add({ victim, time, matched }, client.reportedAt !== 0, listSize);
    this.#judge(client, service, time);
  }

  #isMatched(service: number, leg: Leg, isIncoming: boolean): boolean {
    const { config, whitelist } = this.#files;
    const { incoming, outgoing } = config.services[service]!;
    const { src, dst, srcPort, dstPort } = leg;
    if (!isIncoming && service === SERVICE.telnet) return this.#profiles.matches(String(src), leg);
    if (!isWithin(isIncoming ? incoming : outgoing, leg)) return false;
    return isIncoming
      ? !whitelist.covers(src, dst, srcPort, dstPort)
      : !whitelist.covers(dst, src, dstPort, srcPort);
  }

  #clientOf(service: number, address: Ip): Client {
    const all = this.#clients[service]!;
    const name = String(address);
    const known = all.get(name);
    if (known) {
      // Last in the map's order, so that the first is the one not seen for longest.
      all.delete(name);
      all.set(name, known);
      return known;
    }
    const { params, count } = this.#context;
    if (all.size >= params.clientsMax) {
      all.delete(all.keys().next().value!);
      count("clients_evicted");
    }
    const client = new Client(Address.of(address));
    all.set(name, client);
    return client;
  }

  #judge(client: Client, service: number, time: number): void {
    const { incoming, outgoing, reportedAt, matchedSince } = client;
    const { general, limits: all } = this.#files.config;
    const limits = all[service]!;
    if (reportedAt === 0) {
      if (!this.#isAttack(client, limits)) return;
      if (general.ignoreFirst === 0) this.#report(client, service, time, limits.threshold);
      else client.reportedAt = time;
      return;
    }
    if (reportedAt + limits.reportTimeout * SECOND > time) return;
    if (incoming.matched + outgoing.matched === 0 && matchedSince === 0) client.ended();
    else if (Math.max(incoming.share, outgoing.share) < general.ratioMin) {
      if (matchedSince >= general.eventsMin) this.#report(client, service, time, matchedSince);
      client.ended();
    } else if (matchedSince >= general.eventsMin) this.#report(client, service, time, matchedSince);
  }

  #isAttack({ incoming, outgoing }: Client, limits: Limits): boolean {
    const matched = Math.max(incoming.matched, outgoing.matched);
    if (incoming.size <= limits.smallList || outgoing.size <= limits.smallList)
      return matched >= limits.threshold;
    const size = Math.max(incoming.size, outgoing.size);
    // From 100 on in whole hundreds.
    const base = size >= 100 ? size - (size % 100) : size;
    return matched >= Math.trunc(base * this.#files.config.general.matchedRatio);
  }

  #report(client: Client, service: number, time: number, scale: number): void {
    const note = `I:${client.incoming.victims}O:${client.outgoing.victims}`;
    const { port, name } = this.#files.config.services[service]!;
    this.#context.out.alerts.send(
      {
        ...SAME,
        SRC_IP: client.address,
        DETECTION_TIME: time,
        EVENT_SCALE: scale,
        DST_PORT: port,
        NOTE: note.slice(0, NOTE_MAX),
      },
      {
        rule: RULES[service]!,
        key: `${client.address}>*:${port}`,
        reason: `${client.address} guesses ${name} passwords, scale ${scale}`,
        time,
      },
    );
    client.reported(time);
  }

  /** End the attacks that had no report for long, with a last one where there is something to say. */
  #endSilent(now: number): void {
    if (this.#reportsChecked + this.#reportCheck > now) return;
    this.#reportsChecked = now;
    const { limits, general } = this.#files.config;
    for (const [service, all] of this.#clients.entries()) {
      const timeout = limits[service]!.attackTimeout * SECOND;
      const silent = [...all.values()].filter(
        ({ reportedAt }) => reportedAt !== 0 && reportedAt + timeout <= now,
      );
      for (const client of silent.sort((a, b) => order(a.address, b.address))) {
        // It looks at one direction alone.
        if (client.incoming.matchedSince >= general.eventsMin)
          this.#report(client, service, now, client.matchedSince);
        client.ended();
      }
    }
  }

  #forget(now: number): void {
    if (this.#deletesChecked + this.#deleteCheck > now) return;
    this.#deletesChecked = now;
    for (const [service, all] of this.#clients.entries()) {
      const { recordTimeout, hostTimeout } = this.#files.config.limits[service]!;
      for (const [name, client] of all) {
        client.expire(now - recordTimeout * SECOND);
        if (client.last + hostTimeout * SECOND <= now) all.delete(name);
      }
    }
  }
}

/** Addresses in the order of their bytes. */
const order = (a: Ip, b: Ip): number =>
  unsigned(a.w0) - unsigned(b.w0) ||
  unsigned(a.w1) - unsigned(b.w1) ||
  unsigned(a.w2) - unsigned(b.w2) ||
  unsigned(a.w3) - unsigned(b.w3);
const unsigned = (word: number): number => swap(word) >>> 0;

/** One direction of a connection, which is a flow to the original. */
interface Leg extends Side {
  readonly src: Ip;
  readonly dst: Ip;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly time: number;
}

const forward = (flow: Flow): Leg => ({
  src: flow.SRC_IP,
  dst: flow.DST_IP,
  srcPort: flow.SRC_PORT,
  dstPort: flow.DST_PORT,
  time: flow.TIME_LAST,
  packets: flow.PACKETS,
  bytes: flow.BYTES,
  flags: flow.TCP_FLAGS,
});
const reverse = (flow: Flow): Leg => ({
  src: flow.DST_IP,
  dst: flow.SRC_IP,
  srcPort: flow.DST_PORT,
  dstPort: flow.SRC_PORT,
  time: flow.TIME_LAST,
  packets: flow.PACKETS_REV,
  bytes: flow.BYTES_REV,
  flags: flow.TCP_FLAGS_REV,
});
