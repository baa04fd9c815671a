// SPDX-License-Identifier: BSD-3-Clause
/** What the generator hid in its traffic, and what of it the detectors found without being told. @module */
import type { Alert } from "../../core/alert.ts";
import type { Attack } from "../../core/traffic/truth.ts";
import { grouped } from "./terminal.ts";

/** Detectors any of which may find an attack of the kind. */
const FINDERS: Readonly<Record<Attack["kind"], readonly string[]>> = {
  "vertical-scan": ["vportscan", "hoststats", "trw"],
  "horizontal-scan": ["haddrscan", "hoststats", "trw"],
  "syn-flood": ["volumetric", "floodrate", "ddos"],
  reflection: ["reflection", "amplification", "volumetric", "floodrate", "ddos"],
  "password-guessing": ["brute-force", "hoststats"],
  "web-attack": ["waintrusion"],
  mining: ["miner", "cryptop2p"],
  "dns-tunnel": ["dnstunnel", "dnsexfil"],
  "made-up-names": ["dga"],
  "icmp-tunnel": ["icmptunnel"],
};

/** Who attacks, and who is attacked or called; undefined where there are too many, or it does not matter. */
function partiesOf(attack: Attack): { attacker?: string | undefined; victim?: string | undefined } {
  const attacker = "attacker" in attack ? attack.attacker : undefined;
  if ("peer" in attack) return { attacker, victim: attack.peer };
  if ("pool" in attack) return { attacker, victim: attack.pool };
  return { attacker, victim: "victim" in attack ? attack.victim : undefined };
}

/** Whether an alert names somebody who takes part in the attack, on whichever side. */
export function isAbout(attack: Attack, { source, target }: Alert): boolean {
  const { attacker, victim } = partiesOf(attack);
  return [source.ip, target.ip].some(
    (ip) => ip !== undefined && (ip === attacker || ip === victim),
  );
}

/** The detectors made for such an attack that found it and have both sides right, as far as they name them. */
export function foundBy(attack: Attack, alerts: readonly Alert[]): string[] {
  const { attacker, victim } = partiesOf(attack);
  const isRight = (named: string | undefined, real: string | undefined): boolean =>
    named === undefined || real === undefined || named === real;
  const found = alerts.filter(
    (alert) =>
      FINDERS[attack.kind].includes(alert.detector) &&
      isAbout(attack, alert) &&
      isRight(alert.source.ip, attacker) &&
      isRight(alert.target.ip, victim),
  );
  return [...new Set(found.map(({ detector }) => detector))].sort();
}

/** One line an attack: what it was, and in brackets who found it. */
export const truthLines = (attacks: readonly Attack[], alerts: readonly Alert[]): string[] =>
  attacks.map((attack) => {
    const finders = foundBy(attack, alerts).join(", ");
    return `${attackText(attack)} [${finders === "" ? "not found" : finders}]`;
  });

function attackText(attack: Attack): string {
  const number = (count: number): string => grouped(count);
  switch (attack.kind) {
    case "vertical-scan":
      return `vertical scan: ${attack.attacker} -> ${attack.victim}, ${number(attack.ports)} ports`;
    case "horizontal-scan":
      return `horizontal scan: ${attack.attacker} -> ${number(attack.hosts)} hosts, port ${attack.port}`;
    case "syn-flood":
      return `SYN flood: ${number(attack.sources)} spoofed sources -> ${attack.victim}, port ${attack.port}`;
    case "reflection":
      return `${attack.vector} reflection: ${number(attack.reflectors)} servers -> ${attack.victim}, ${number(attack.packets)} packets`;
    case "password-guessing":
      return `password guessing: ${attack.attacker} -> ${attack.victim}, ${number(attack.attempts)} SSH connections`;
    case "web-attack":
      return `SQL injection: ${attack.attacker} -> ${attack.victim}, ${number(attack.requests)} requests`;
    case "mining":
      return `mining: ${attack.attacker} -> ${attack.pool}, port ${attack.port}`;
    case "dns-tunnel":
      return `DNS tunnel: ${attack.attacker}, ${number(attack.names)} names below ${attack.domain}`;
    case "made-up-names":
      return `made-up names: ${attack.attacker}, ${number(attack.names)} that do not exist`;
    case "icmp-tunnel":
      return `ICMP tunnel: ${attack.attacker} -> ${attack.peer}, ${number(attack.requests)} echo requests`;
  }
}
