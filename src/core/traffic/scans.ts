// SPDX-License-Identifier: BSD-3-Clause
import { type Field, moments, type Plan, SECOND, V6_CHANCE } from "./attack-plan.ts";
import { type Actor, DONE } from "./calendar.ts";
import { Host, type IpVersion } from "./host.ts";
import type { Office } from "./office.ts";
import { type Random, scatter } from "./rng.ts";
import type { Stage } from "./stage.ts";
import { type Outcome, TcpSession } from "./tcp-session.ts";
import type { HorizontalScan, SynFlood, VerticalScan } from "./truth.ts";

/** One SYN of an attack, and what it meets. */
interface Probe {
  /** Whole microseconds since 1970. */
  readonly time: number;
  readonly attacker: Host;
  readonly victim: Host;
  readonly port: number;
  readonly outcome: Outcome;
}

interface Probes {
  readonly probes: readonly Probe[];
  readonly version: IpVersion;
}

const AGAIN_CHANCE = 0.08;

/** Many ports of one host in random order; what is closed resets, what is filtered keeps silent. */
export function planVerticalScan({ office, random, span }: Field): Plan<VerticalScan> {
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const attacker = scanner(office, random, 10);
  const victim = random.pick([
    office.web,
    office.mail,
    office.files,
    office.database,
    ...office.clients,
  ]);
  const ports = distinctPorts(
    random,
    random.between(230, 1000),
    random.chance(0.5) ? 1500 : 65_535,
  );
  const openCount = random.between(2, 6);
  const silentChance = random.chance(0.5) ? 0.1 : 0.9;
  const times = moments(random, span, { count: ports.length, seconds: random.between(5, 25) });
  const probes = ports.map((port, i): Probe => {
    const closed = random.chance(silentChance) ? "silent" : "refused";
    return { time: times[i]!, attacker, victim, port, outcome: i < openCount ? "probed" : closed };
  });
  const all = withRepeats(random, probes);
  const truth: VerticalScan = {
    kind: "vertical-scan",
    attacker: attacker.text(version),
    victim: victim.text(version),
    ports: ports.length,
    ...limits(all),
  };
  return { truth, enter: barrage(office, { probes: all, version }) };
}

/** One port of many addresses, most of which nobody has. */
export function planHorizontalScan({ office, random, span }: Field): Plan<HorizontalScan> {
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const attacker = scanner(office, random, 130);
  const port = random.pick([22, 23, 80, 443, 445, 1433, 2323, 3389, 5900, 6379, 8080]);
  const victims = random
    .shuffle(Array.from({ length: 1000 }, (_, i) => i))
    .slice(0, random.between(140, 400));
  const times = moments(random, span, { count: victims.length, seconds: random.between(4, 25) });
  const probes = victims.map((number, i): Probe => {
    const victim = office.local(64 + Math.floor(number / 250), 1 + (number % 250), {});
    const answer = random.chance(0.7) ? "refused" : "probed";
    const outcome = random.chance(0.15) ? answer : "silent";
    return { time: times[i]!, attacker, victim, port, outcome };
  });
  const all = withRepeats(random, probes);
  const truth: HorizontalScan = {
    kind: "horizontal-scan",
    attacker: attacker.text(version),
    port,
    hosts: victims.length,
    ...limits(all),
  };
  return { truth, enter: barrage(office, { probes: all, version }) };
}

/** SYNs of thousands of forged sources, each seen once, onto one service; part of them is answered. */
export function planSynFlood({ office, random, span }: Field): Plan<SynFlood> {
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const victim = random.pick([office.web, office.mail, office.ftp]);
  const port = random.pick([25, 80, 443, 8080]);
  const count = random.between(2000, 5000);
  const times = moments(random, span, { count, seconds: random.between(2, 6) });
  const sources = forgedSources(random, count);
  const probes = sources.map((attacker, i): Probe => {
    return {
      time: times[i]!,
      attacker,
      victim,
      port,
      outcome: random.chance(0.4) ? "abandoned" : "silent",
    };
  });
  const truth: SynFlood = {
    kind: "syn-flood",
    victim: victim.text(version),
    port,
    sources: count,
    ...limits(probes),
  };
  return { truth, enter: barrage(office, { probes, version }) };
}

const barrage =
  (office: Office, probes: Probes) =>
  (stage: Stage): void => {
    stage.calendar.enter(probes.probes[0]!.time, new Barrage(stage, office, probes));
  };

/** Sends the probes of a plan when their times come. */
class Barrage implements Actor {
  readonly #stage: Stage;
  readonly #office: Office;
  readonly #plan: Probes;
  #index = 0;

  constructor(stage: Stage, office: Office, plan: Probes) {
    this.#stage = stage;
    this.#office = office;
    this.#plan = plan;
  }

  act(now: number): number {
    const { probes, version } = this.#plan;
    const { attacker, victim, port, outcome } = probes[this.#index++]!;
    const session = new TcpSession(this.#stage, {
      route: this.#office.route(attacker, victim, version),
      sourcePort: attacker.nextPort(),
      targetPort: port,
      outcome,
      sequence: scatter(now + this.#index),
    });
    this.#stage.calendar.enter(now, session);
    return probes[this.#index]?.time ?? DONE;
  }
}

/** A scanner of the Internet (203.0.113/24 of RFC 5737), or one that got hold of a host in the office. */
function scanner(office: Office, random: Random, first: number): Host {
  const number = first + random.below(110);
  if (random.chance(0.4)) return office.local(30, number, {});
  return new Host({
    ipv4: (203 << 24) | (113 << 8) | number,
    ipv6: [0x20010db8, 0xbad0000 | number, random.word(), random.word()],
    hopLimit: random.between(40, 58),
    delay: random.between(4000, 60_000),
  });
}

/** Scanners ask some of the silent targets once more, a second later. */
function withRepeats(random: Random, probes: readonly Probe[]): Probe[] {
  const repeats = probes
    .filter(({ outcome }) => outcome === "silent" && random.chance(AGAIN_CHANCE))
    .map((probe) => ({ ...probe, time: probe.time + SECOND }));
  return [...probes, ...repeats].sort((a, b) => a.time - b.time);
}

function limits(probes: readonly Probe[]): { firstMicros: number; lastMicros: number } {
  return { firstMicros: probes[0]!.time, lastMicros: probes.at(-1)!.time };
}

function distinctPorts(random: Random, count: number, max: number): number[] {
  return random.shuffle(Array.from({ length: max }, (_, i) => i + 1)).slice(0, count);
}

function forgedSources(random: Random, count: number): Host[] {
  const first = random.word();
  const sources: Host[] = [];
  // `scatter` is a bijection, so no source comes twice.
  for (let i = 0; sources.length < count; i++) {
    const ipv4 = scatter(first + i);
    const octet = ipv4 >>> 24;
    if (octet === 0 || octet === 10 || octet === 127 || octet >= 224) continue;
    const ipv6 = [0x20010db8, scatter(ipv4), random.word(), random.word()] as const;
    sources.push(
      new Host({ ipv4, ipv6: [...ipv6], hopLimit: random.between(30, 120), delay: 20_000 }),
    );
  }
  return sources;
}
