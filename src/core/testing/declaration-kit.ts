// SPDX-License-Identifier: BSD-3-Clause
/** What the declaration of every module has to be, as tests. @module */
import { expect, test } from "bun:test";
import type { AnyModule, ParamOf } from "../module.ts";

/** Taken by TRAP: interfaces, help, verbosity. */
const TRAP_FLAGS = ["i", "h", "v"];
/** Categories of IDEA, the format in which CESNET's systems share alerts. */
const IDEA = {
  Abusive: ["Spam", "Harassment", "Child", "Sexual", "Violence"],
  Malware: ["Virus", "Worm", "Trojan", "Spyware", "Dialer", "Rootkit"],
  Recon: ["Scanning", "Sniffing", "SocialEngineering", "Searching"],
  Attempt: ["Exploit", "Login", "NewSignature"],
  Intrusion: ["AdminCompromise", "UserCompromise", "AppCompromise", "Botnet"],
  Availability: ["DoS", "DDoS", "Sabotage", "Outage"],
  Information: ["UnauthorizedAccess", "UnauthorizedModification"],
  Fraud: ["UnauthorizedUsage", "Copyright", "Masquerade", "Phishing", "Scam"],
  Vulnerable: ["Open", "Config"],
  Anomaly: ["Traffic", "Connection", "Protocol", "System", "Application", "Behaviour"],
  Other: [],
  Test: [],
};
const CATEGORIES: readonly string[] = Object.entries(IDEA).flatMap(([group, kinds]) => [
  group,
  ...kinds.map((kind) => `${group}.${kind}`),
]);

/** Tests of what a detector says of itself. {@link testDetector} includes them. */
export function testDeclaration(def: AnyModule): void {
  const { name } = def;
  const rules = Object.entries(def.rules ?? {});

  testModule(def, ["Finds", "Evaded", "Tune", "When it fires"]);

  test(`${name} has at least one rule, whole and in the words of IDEA and ATT&CK`, () => {
    expect(rules.length).toBeGreaterThan(0);
    for (const [, rule] of rules) {
      expect(rule.id).toBeGreaterThanOrEqual(9_000_000);
      expect(rule.title).toMatch(/^[A-Z]/);
      expect(CATEGORIES).toContain(rule.category);
      expect(rule.severity).toBeWithin(0, 10 + Number.EPSILON * 10);
      expect(rule.confidence).toBeWithin(0, 1 + Number.EPSILON);
      for (const technique of rule.techniques) expect(technique).toMatch(/^T\d{4}(\.\d{3})?$/);
    }
    expect(new Set(rules.map(([, { id }]) => id)).size).toBe(rules.length);
  });
}

/** Tests of what any module says of itself; `parts` are the paragraphs that its docs must have. */
export function testModule(def: AnyModule, parts: readonly string[] = ["For"]): void {
  const { name, details = "", params } = def;

  test(`${name} is named in kebab case and says what it is for in one sentence`, () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(def.about).toMatch(/^[A-Z][^\n]*\.$/);
  });

  test.each(parts.concat(def.replaces ? "Deviates" : []))(
    `${name} has a paragraph in its docs that begins with: %s`,
    (part) => {
      expect(details).toMatch(new RegExp(`^\\*\\*${part}\\*\\*`, "m"));
    },
  );

  test(`${name} explains each parameter it declares, with a default within its bounds`, () => {
    for (const [key, spec] of Object.entries(params)) expect(complaints(key, spec)).toEqual([]);
  });

  test(`${name} gives no short flag twice and leaves TRAP its own`, () => {
    const flags = Object.values(params).flatMap(({ flag }) => flag ?? []);
    expect(new Set(flags).size).toBe(flags.length);
    for (const flag of flags) expect(flag).toMatch(/^[A-Za-z0-9]$/);
    expect(flags.filter((flag) => TRAP_FLAGS.includes(flag))).toEqual([]);
  });

  test(`${name} has aliases that are neither its name nor given twice`, () => {
    const names = [name, ...(def.aliases ?? [])];
    expect(new Set(names).size).toBe(names.length);
    if (def.replaces !== undefined) expect(names).toContain(def.replaces);
  });
}

/** What is wrong with a parameter. */
export function complaints(key: string, spec: ParamOf<unknown>): string[] {
  const { about, default: value, min, max, options } = spec;
  const checks: readonly (readonly [boolean, string])[] = [
    [/^[a-z][A-Za-z0-9]*$/.test(key), "not in camel case"],
    [about.length >= 10 && !about.endsWith("."), "about is no phrase without a full stop"],
    [typeof value !== "number" || value >= (min ?? value), "default below min"],
    [typeof value !== "number" || value <= (max ?? value), "default above max"],
    [options === undefined || options.includes(value), "default is no option"],
  ];
  return checks.flatMap(([holds, complaint]) => (holds ? [] : [`${key}: ${complaint}`]));
}

/** Names, aliases and rule ids that several modules share: the registry may hold each only once. */
export function clashes(defs: readonly AnyModule[]): string[] {
  const taken = defs.flatMap(({ name, aliases = [], rules = {} }) => [
    ...[name, ...aliases].map((alias) => `name ${alias}`),
    ...Object.values(rules).map(({ id }) => `rule ${id}`),
  ]);
  return [...new Set(taken.filter((item, i) => taken.indexOf(item) !== i))];
}
