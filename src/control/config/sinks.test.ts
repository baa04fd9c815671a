// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertOf } from "../store/testing/alerts.ts";
import { parseConfig } from "./read.ts";
import { Sinks } from "./sinks.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-sinks-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FILE = join(folder, "alerts.json");
const TEXT = `[[sources]]
interface = "tap0"
[sinks.all]
exporter = "file"
path = ${JSON.stringify(FILE)}
[sinks.grave]
exporter = "file"
path = ${JSON.stringify(`${FILE}.grave`)}
severity = 7
`;

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];

test("Sinks brings alerts to the sinks of a configuration, by their routes, over a restart", async () => {
  const { sinks } = await parseConfig(TEXT, "x.toml");
  const queue = { path: join(folder, "delivery.sqlite") };
  const first = await Sinks.start(sinks, queue);
  for (let i = 0; i < 20; i++) first.put(alertOf({ id: Bun.randomUUIDv7(), severity: i % 10 }));
  await first.close();
  const second = await Sinks.start(sinks, queue);
  const end = Date.now() + 5000;
  while (second.stats().sinks.some(({ waiting }) => waiting > 0) && Date.now() < end)
    await Bun.sleep(10);
  await second.close();
  expect(linesOf(FILE)).toHaveLength(20);
  const grave = linesOf(`${FILE}.grave`).map((line) => JSON.parse(line).severity as number);
  expect(grave.toSorted()).toEqual([7, 7, 8, 8, 9, 9]);
});

test("Sinks brings alerts to other sinks once they are replaced, and loses none of those that come meanwhile", async () => {
  const { sinks } = await parseConfig(TEXT, "x.toml");
  const path = join(folder, "other.json");
  const other = sinks
    .slice(0, 1)
    .map((sink) => ({ ...sink, name: "other", params: { ...sink.params, path } }));
  const all = await Sinks.start([], { path: join(folder, "replaced.sqlite") });
  all.put(alertOf({ id: Bun.randomUUIDv7() }));
  const replaced = all.replace(other);
  for (let i = 0; i < 5; i++) all.put(alertOf({ id: Bun.randomUUIDv7() }));
  await replaced;
  const end = Date.now() + 5000;
  while (linesOf(path).length < 5 && Date.now() < end) await Bun.sleep(10);
  await all.close();
  expect(linesOf(path)).toHaveLength(5);
});
