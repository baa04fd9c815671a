// SPDX-License-Identifier: BSD-3-Clause
import {
  type Field,
  insider,
  limits,
  moments,
  outsider,
  type Plan,
  Series,
  V6_CHANCE,
} from "./attack-plan.ts";
import { type Actor, DONE } from "./calendar.ts";
import { UdpExchange } from "./datagrams.ts";
import { DNS_A, DNS_TXT, dnsQuery, dnsReply, NXDOMAIN } from "./dns-message.ts";
import type { Host, IpVersion } from "./host.ts";
import type { Office } from "./office.ts";
import type { Route } from "./path.ts";
import type { Random } from "./rng.ts";
import type { Stage } from "./stage.ts";
import type { DnsTunnel, IcmpTunnel, MadeUpNames } from "./truth.ts";

const PORT_DNS = 53;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS = "abcdefghijklmnopqrstuvwxy";
const ENDS = ["com", "net", "org", "info", "biz"];
const LABEL = 57;
const INNER_HEADER = 20;

const chars = (random: Random, alphabet: string, count: number): string =>
  Array.from({ length: count }, () => alphabet[random.below(alphabet.length)]).join("");

interface Question {
  readonly name: string;
  readonly type: number;
  /** Text of the answer; without one the name does not exist. */
  readonly text?: string;
}

/** Questions of a client to the office's resolver, each at its time. */
const questions =
  (
    office: Office,
    asked: readonly Question[],
    { client, times, version }: { client: Host; times: readonly number[]; version: IpVersion },
  ) =>
  (stage: Stage): void => {
    const begin = (now: number, i: number): void => {
      const { name, type, text } = asked[i]!;
      const question = { id: stage.random.below(65_536), name, type };
      const records = text === undefined ? [] : [{ type, text }];
      const exchange = new UdpExchange(stage, {
        route: office.route(client, office.dns, version),
        sourcePort: client.nextPort(),
        targetPort: PORT_DNS,
        request: dnsQuery(question),
        response: dnsReply(question, records, text === undefined ? NXDOMAIN : 0),
      });
      stage.calendar.enter(now, exchange);
    };
    stage.calendar.enter(times[0]!, new Series(times, begin));
  };

/** A session over names: data in base 32 upwards, in base 64 down. */
export function planDnsTunnel(field: Field): Plan<DnsTunnel> {
  const { office, random, span } = field;
  const client = insider(field);
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const domain = `t${random.below(10)}.${random.pick(["slow", "quiet", "blue"])}-${random.pick(["barn", "ferry", "lamp"])}.example`;
  const count = random.between(120, 300);
  const asked = Array.from({ length: count }, (): Question => {
    const data = Array.from({ length: random.between(1, 3) }, () => chars(random, BASE32, LABEL));
    const name = [chars(random, BASE32, 12), ...data, domain].join(".");
    return { name, type: DNS_TXT, text: chars(random, BASE64, random.between(20, 220)) };
  });
  const times = moments(random, span, { count, seconds: random.between(15, 30) });
  const truth: DnsTunnel = {
    kind: "dns-tunnel",
    attacker: client.text(version),
    domain,
    names: count,
    ...limits(times),
  };
  return { truth, enter: questions(office, asked, { client, times, version }) };
}

/** Malware that looks for its control server: names of random letters, none of which exists. */
export function planMadeUpNames(field: Field): Plan<MadeUpNames> {
  const { office, random, span } = field;
  const client = insider(field);
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const count = random.between(60, 150);
  const asked = Array.from({ length: count }, (): Question => {
    const label = chars(random, LETTERS, random.between(12, 18));
    return { name: `${label}.${random.pick(ENDS)}`, type: DNS_A };
  });
  const times = moments(random, span, { count, seconds: random.between(10, 25) });
  const truth: MadeUpNames = {
    kind: "made-up-names",
    attacker: client.text(version),
    names: count,
    ...limits(times),
  };
  return { truth, enter: questions(office, asked, { client, times, version }) };
}

/** Packets in echo messages to a host outside: short ones there, longer ones back. */
export function planIcmpTunnel(field: Field): Plan<IcmpTunnel> {
  const { office, random, span } = field;
  const client = insider(field);
  const peer = outsider(field, random.between(10, 100));
  const count = random.between(80, 200);
  const times = moments(random, span, { count, seconds: random.between(15, 30) });
  const truth: IcmpTunnel = {
    kind: "icmp-tunnel",
    attacker: client.text(4),
    peer: peer.text(4),
    requests: count,
    ...limits(times),
  };
  const route = office.route(client, peer, 4);
  const enter = (stage: Stage): void =>
    stage.calendar.enter(times[0]!, new EchoTunnel(stage, route, times));
  return { truth, enter };
}

/** Echo requests and replies that carry packets of a network of their own. */
class EchoTunnel implements Actor {
  readonly #stage: Stage;
  readonly #route: Route;
  readonly #times: readonly number[];
  readonly #id: number;
  #sequence = 0;
  #reply = false;

  constructor(stage: Stage, route: Route, times: readonly number[]) {
    this.#stage = stage;
    this.#route = route;
    this.#times = times;
    this.#id = stage.random.below(65_536);
  }

  act(now: number): number {
    const { random, writer } = this.#stage;
    const { forth, back } = this.#route;
    const reply = this.#reply;
    const size = reply ? random.between(200, 1300) : random.between(60, 400);
    const content = innerPacket(random, size, reply);
    const echo = { reply, id: this.#id, sequence: this.#sequence, size, content };
    writer.echo(now, reply ? back : forth, echo);
    this.#reply = !reply;
    if (!reply) return now + 2 * forth.target.delay;
    const next = this.#times[++this.#sequence];
    return next === undefined ? DONE : Math.max(next, now);
  }
}

/** An IPv4 packet with TCP between the ends of the tunnel, 10.9.0.2 and 10.9.0.1. */
function innerPacket(random: Random, size: number, reply: boolean): Uint8Array {
  const packet = Uint8Array.from(random.bytes(size));
  const view = new DataView(packet.buffer);
  const [source, target] = reply ? [1, 2] : [2, 1];
  view.setInt32(0, 0x45000000 | size);
  view.setInt32(4, 0x00004000);
  view.setInt32(8, 0x40060000);
  view.setInt32(12, 0x0a090000 | source);
  view.setInt32(16, 0x0a090000 | target);
  let sum = 0;
  for (let at = 0; at < INNER_HEADER; at += 2) sum += view.getUint16(at);
  view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)));
  return packet;
}
