// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertOf } from "../store/testing/alerts.ts";
import { parseConfig } from "./read.ts";
import { startDelivery } from "./sinks.ts";

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

test("startDelivery brings alerts to the sinks of a configuration, by their routes, over a restart", async () => {
  const { sinks } = await parseConfig(TEXT, "x.toml");
  const queue = join(folder, "delivery.sqlite");
  const first = (await startDelivery(sinks, queue))!;
  for (let i = 0; i < 20; i++) first.put(alertOf({ id: Bun.randomUUIDv7(), severity: i % 10 }));
  expect(await first.committed()).toBe(true);
  await first.close();
  const second = (await startDelivery(sinks, queue))!;
  const end = Date.now() + 5000;
  while (second.stats().sinks.some(({ waiting }) => waiting > 0) && Date.now() < end)
    await Bun.sleep(10);
  await second.close();
  expect(linesOf(FILE)).toHaveLength(20);
  const grave = linesOf(`${FILE}.grave`).map((line) => JSON.parse(line).severity as number);
  expect(grave.toSorted()).toEqual([7, 7, 8, 8, 9, 9]);
});

test("startDelivery begins nothing where there are no sinks", async () => {
  const { sinks } = await parseConfig('[[sources]]\ninterface = "tap0"\n', "x.toml");
  expect(await startDelivery(sinks, join(folder, "none.sqlite"))).toBeUndefined();
  expect(existsSync(join(folder, "none.sqlite"))).toBe(false);
});
