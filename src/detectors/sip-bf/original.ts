// SPDX-License-Identifier: BSD-3-Clause
import { Address, isV4 } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { eventId } from "./event-id.ts";
import { type Flow, MESSAGE, record, type Setup } from "./fields.ts";
import { order, type Response, Server } from "./original-server.ts";
import type { Finding } from "./original-suspects.ts";

/** Rules by SBFD_EVENT_TYPE. */
const RULES = ["guess", "distributed", "scan"] as const;
const OK = 200;
const UNAUTHORIZED = 401;
/** Characters of a calling party, and of the user in it. */
const PARTY_MAX = 100;
const USER_MAX = 50;
const PARTY = /^sips?:([^@]*)@(.*)$/s;
const PARAMETERS = /[;?]/;

interface Known {
  readonly key: string;
  readonly server: Server;
}

/** sip_bf_detector as it is: alerts come when an attack has ended, or the stream. */
export function original(context: Setup) {
  // Its record has the times under its own names alone.
  context.out.alerts.announce(record);
  const detector = new Original(context);
  return {
    flows(flow: Flow) {
      while (flow.next()) {
        const response = responseOf(flow);
        if (!response) continue;
        detector.take(response, keyOf(flow));
        detector.sweep(response.time);
      }
    },
    end: () => detector.end(),
  };
}

class Original {
  readonly #context: Setup;
  readonly #servers = new Map<string, Server>();
  #swept = 0;
  /** Minutes and seconds of the last alert's first time, and its number among those that have the same. */
  #stamp = 0;
  #number = 0;

  constructor(context: Setup) {
    this.#context = context;
  }

  take(response: Response, key: string): void {
    let server = this.#servers.get(key);
    if (!server) {
      if (response.isOk) return;
      server = new Server(response, this.#context.params);
    }
    // Last in the map's order, so that the first is the one not asked for longest.
    this.#servers.delete(key);
    this.#servers.set(key, server);
    server.take(response);
    this.#bound(key, server);
  }

  /** The original's memory has no bound: what is beyond ours leaves with the server not asked for longest. */
  #bound(key: string, server: Server): void {
    const { pairsMax } = this.#context.params;
    if (this.#servers.size <= pairsMax && server.size <= pairsMax) return;
    this.#servers.delete(server.size > pairsMax ? key : this.#servers.keys().next().value!);
    this.#context.count("servers_evicted");
  }

  sweep(now: number): void {
    const { checkPeriod } = this.#context.params;
    if (now - this.#swept <= checkPeriod) return;
    this.#swept = now;
    for (const { key, server } of this.#inOrder()) {
      server.sweep(now, (finding) => this.#report(server, finding, now));
      if (server.size === 0) this.#servers.delete(key);
    }
  }

  end(): void {
    for (const { server } of this.#inOrder())
      server.end((finding) => this.#report(server, finding, finding.last));
    this.#servers.clear();
  }

  /** Servers of IPv4, then those of IPv6. */
  #inOrder(): Known[] {
    return [...this.#servers]
      .map(([key, server]) => ({ key, server }))
      .sort(
        ({ server: a }, { server: b }) =>
          Number(isV4(b.address)) - Number(isV4(a.address)) || order(a.address, b.address),
      );
  }

  #report(server: Server, finding: Finding, now: number): void {
    const stamp = finding.first % 3600;
    const minutesAndSeconds = Math.floor(stamp / 60) * 100 + (stamp % 60);
    this.#number = minutesAndSeconds === this.#stamp ? this.#number + 1 : 0;
    this.#stamp = minutesAndSeconds;
    this.#context.out.alerts.send(
      {
        SBFD_TARGET: server.address,
        SBFD_SOURCE: finding.source,
        SRC_PORT: finding.clientPort,
        DST_PORT: server.port,
        SBFD_LINK_BIT_FIELD: finding.link,
        SBFD_PROTOCOL: finding.protocol,
        SBFD_EVENT_TIME: finding.first * SECOND,
        SBFD_CEASE_TIME: finding.last * SECOND,
        SBFD_BREACH_TIME: finding.breach * SECOND,
        SBFD_EVENT_TYPE: finding.type,
        SBFD_EVENT_ID: eventId(finding.first, this.#number),
        SBFD_ATTEMPTS: finding.attempts,
        SBFD_AVG_ATTEMPTS: finding.average,
        SBFD_USER: finding.user,
      },
      {
        rule: RULES[finding.type]!,
        key: `${finding.source}>${server.address}:${finding.type} ${finding.first}`,
        reason: `${finding.attempts} attempts at the SIP server ${server.address}`,
        source: { ip: String(finding.source) },
        target: { ip: String(server.address), port: server.port },
        time: now * SECOND,
      },
    );
  }
}

/** A response to a registration, which is all that the original looks at. */
function responseOf(flow: Flow): Response | undefined {
  const { SIP_MSG_TYPE, SIP_STATUS_CODE } = flow;
  if (SIP_MSG_TYPE !== MESSAGE.response) return undefined;
  if (SIP_STATUS_CODE !== OK && SIP_STATUS_CODE !== UNAUTHORIZED) return undefined;
  if (!flow.SIP_CSEQ.slice(0, PARTY_MAX).includes("REG")) return undefined;
  const [, user, rest = ""] = PARTY.exec(flow.SIP_CALLING_PARTY) ?? [];
  const { length } = flow.SIP_CALLING_PARTY;
  if (user === undefined || user.length > USER_MAX || length > PARTY_MAX) return undefined;
  return {
    server: Address.of(flow.SRC_IP),
    client: Address.of(flow.DST_IP),
    serverPort: flow.SRC_PORT,
    clientPort: flow.DST_PORT,
    link: flow.LINK_BIT_FIELD % 256,
    protocol: flow.PROTOCOL,
    time: Math.floor(flow.TIME_FIRST / SECOND),
    isOk: SIP_STATUS_CODE === OK,
    user,
    domain: rest.split(PARAMETERS, 1)[0]!,
  };
}

/** The original compares 32 bytes of IPv6 addresses, and so the link and the time behind them. */
const keyOf = ({ SRC_IP, raw }: Flow): string =>
  SRC_IP.isV4 ? String(SRC_IP) : `${SRC_IP} ${raw.LINK_BIT_FIELD} ${raw.TIME_FIRST}`;
