// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type AnyModule, param } from "../module.ts";
import { clashes, complaints } from "./declaration-kit.ts";
import type { Fault } from "./fixtures/faulty-detectors.ts";

const FIXTURE = join(import.meta.dir, "fixtures/faulty-detectors.ts");
const { stderr, exitCode } = Bun.spawnSync([process.execPath, "test", FIXTURE], {
  env: { ...process.env, NO_COLOR: "1" },
});
const output = stderr.toString();
/** Names of the tests that failed, as `detector: name`. */
const failed = (fault: Fault): string[] =>
  [...output.matchAll(/^\(fail\) .*?> (kit-\S+) (.*?)(?: \[[\d.]+ms\])?$/gm)].flatMap(
    ([, name, rest]) => (name === `kit-${fault}` ? [rest!] : []),
  );

test("testDetector passes a detector that does as it should", () => {
  expect(output).toMatch(/^\(pass\) .*kit-none/m);
  expect(failed("none")).toEqual([]);
  expect(exitCode).toBe(1); // of the others
});

test.each<[Fault, string]>([
  ["batch", "sends the same whatever the borders of the batches"],
  ["noticed", "sends the same whatever the borders of the batches"],
  ["unsaved", "goes on after a restart as if there had been none"],
  ["mute", "says why it fired, what it saw against which limit, and shows the flows"],
  ["offset", "reads its fields from a layout with others before, between and after"],
  ["offset", "goes on when the sender changes its layout"],
  ["blind", "sees an attack under way among many others, in bounded memory"],
  ["eager", "raises none for what is almost an attack"],
  ["eager", "raises no alert for many keys of one flow each"],
  ["reopens", "updates the open event of an attack instead of opening another"],
  ["vlan", "raises its alert where optional fields are absent"],
  ["declared", "is named in kebab case and says what it is for in one sentence"],
  ["declared", "has a paragraph in its docs that begins with: Finds"],
  ["declared", "explains each parameter it declares, with a default within its bounds"],
  ["declared", "gives no short flag twice and leaves TRAP its own"],
  ["declared", "has aliases that are neither its name nor given twice"],
  ["declared", "has at least one rule, whole and in the words of IDEA and ATT&CK"],
])("testDetector finds the fault `%s`: %s", (fault, complaint) => {
  expect(failed(fault)).toContain(complaint);
});

test("complaints names what is wrong with a parameter", () => {
  const about = "Hosts watched at once";
  expect(complaints("hostsMax", param.count({ default: 5, min: 2, about }))).toEqual([]);
  expect(complaints("HostsMax", param.count({ default: 1, min: 2, about: "Hosts." }))).toEqual([
    "HostsMax: not in camel case",
    "HostsMax: about is no phrase without a full stop",
    "HostsMax: default below min",
  ]);
  expect(complaints("share", param.ratio({ default: 2, about }))).toEqual([
    "share: default above max",
  ]);
});

test("clashes finds names and rules that two modules share", () => {
  const one = { name: "one", aliases: ["first"], rules: { a: { id: 1 } } } as never as AnyModule;
  const two = { name: "first", rules: { a: { id: 1 } } } as never as AnyModule;
  expect(clashes([one, two])).toEqual(["name first", "rule 1"]);
  expect(clashes([one])).toEqual([]);
});
