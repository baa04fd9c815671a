// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differences } from "./difference.ts";
import { productOf } from "./plan.ts";
import { parseConfig } from "./read.ts";
import { Revisions } from "./revisions.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-revisions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LEAST = '[[sources]]\ninterface = "tap0"\n';
const config = (text = "") => parseConfig(LEAST + text, "x.toml");

test("Revisions keep what was applied over a restart, the newest in force", () => {
  const path = join(folder, "a.sqlite");
  {
    using revisions = new Revisions(path);
    expect(revisions.newest()).toBeUndefined();
    expect(revisions.apply("one", "first").id).toBe(1);
    expect(revisions.apply("two", "second").id).toBe(2);
  }
  using revisions = new Revisions(path);
  expect(revisions.newest()).toMatchObject({ id: 2, body: "two", reason: "second" });
  expect(revisions.list().map(({ id }) => id)).toEqual([2, 1]);
  expect(revisions.get(1).body).toBe("one");
  expect(() => revisions.get(9)).toThrow(/no revision 9; .*the newest is 2/);
});

test("Revisions make none of what is in force already", () => {
  using revisions = new Revisions(join(folder, "b.sqlite"));
  revisions.apply("one", "first");
  expect(revisions.apply("one", "again")).toMatchObject({ id: 1, reason: "first" });
});

test("Revisions forget the oldest beyond a thousand", () => {
  using revisions = new Revisions(join(folder, "c.sqlite"));
  for (let i = 1; i <= 1003; i++) revisions.apply(`${i}`, "again");
  expect(revisions.list(2000)).toHaveLength(1000);
  expect(() => revisions.get(3)).toThrow(/no revision 3/);
  expect(revisions.get(4).body).toBe("4");
});

test("differences name each setting that changes, its defaults too", async () => {
  const other =
    "[meter]\nidle = 60\n[modules.vportscan]\nportsMax = 30\n[modules.haddrscan]\nenabled = false\n";
  expect(differences(await config(), await config(other))).toEqual([
    "meter.idle: 30 -> 60",
    "modules.haddrscan.enabled: true -> false",
    "modules.vportscan.portsMax: default -> 30",
  ]);
  expect(differences(await config(other), await config(other))).toEqual([]);
});

test("differences tell of a sink or source as a whole where it comes or goes", async () => {
  const siem = '[sinks.siem]\nexporter = "syslog"\nhost = "siem.example"\n';
  const [bare, more] = [await config(), await config(siem)];
  expect(differences(bare, more)).toEqual(["sinks.siem: added"]);
  expect(differences(more, bare)).toEqual(["sinks.siem: removed"]);
  expect(differences(more, await config(`${siem}format = "json"\n`))).toEqual([
    'sinks.siem.params.format: "cef" -> "json"',
  ]);
});

test("productOf gives the product what the file says, and nothing that it leaves out", async () => {
  const plan = productOf(await config());
  expect(plan).toMatchObject({
    sensor: "nemean",
    sources: [
      {
        name: "tap0",
        source: { kind: "live", workers: 1, capture: { interface: "tap0", ringBytes: 64 << 20 } },
      },
    ],
  });
  for (const name of ["plugins", "interfaces", "ipfix"]) expect(plan).not.toHaveProperty(name);
  const more =
    '[meter]\nplugins = ["dns"]\n[flows]\nipfix = "udp:collector"\ninterfaces = "u:flows"\n';
  expect(productOf(await config(more))).toMatchObject({
    plugins: { groups: [["dns"]], compat: false },
    interfaces: "u:flows",
    ipfix: "udp:collector",
  });
});
