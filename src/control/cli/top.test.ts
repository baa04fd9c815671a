// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { serveSocket } from "../api/serve.ts";
import { snapshotOf, TestApi } from "../api/testing/fixtures.ts";
import { socketPath } from "../data-folder.ts";
import { TestFolder } from "../store/testing/alerts.ts";
import { MAIN } from "./testing/command-line.ts";
import { type Health, type Stats, topScreen } from "./top-screen.ts";

const HEALTH: Health = { status: "degraded", reasons: ["disk \x1b[2Jfull"], uptime: 1234.9 };

const statsOf = (at: string, packets: number, more: Partial<Stats> = {}): Stats => ({
  at,
  sources: [
    {
      name: "tap0",
      meter: { packets, bytes: packets * 125, flows: packets / 100, live: 7 },
      capture: { dropped: 5, state: "up" },
    },
  ],
  modules: [{ name: "vportscan", inputs: { flows: packets / 100 }, outputs: { alerts: 2 } }],
  alerts: 3,
  ringDrops: 0,
  rss: 50_400_000,
  ...more,
});

const FIRST = statsOf("2026-01-05T09:00:00.000000Z", 1_000_000);
const SECOND = statsOf("2026-01-05T09:00:02.000000Z", 3_000_000);

const MODULE = { busy: 0, name: "vportscan", inputs: {}, outputs: {}, counters: {} };

test("topScreen shows health, and rates between two looks", () => {
  const sinks = [
    {
      name: "siem",
      state: "waiting",
      waiting: 4,
      delivered: 1200,
      dropped: 0,
      dead: 1,
      lastError: "gone\n",
    },
  ];
  expect(topScreen(HEALTH, { ...SECOND, delivery: { sinks } }, FIRST).join("\n")).toBe(
    `degraded  up 1,234 s  alerts 3  lost between processes 0  memory 50 MB
  disk \\x1b[2Jfull

SOURCE  PACKETS/S  MBIT/S  FLOWS/S  LIVE  DROPPED  STATE
tap0    1,000,000   1,000   10,000     7        5  up

MODULE     RECORDS/S  RECORDS  SENT
vportscan     10,000   30,000     2

SINK  DELIVERED  WAITING  DROPPED  REFUSED  STATE
siem      1,200        4        0        1  waiting: gone\\x0a`,
  );
});

test("topScreen has no rates at the first look, and counts what was started anew from 0", () => {
  expect(topScreen(HEALTH, FIRST, undefined)).toContain(
    "tap0            0       0        0     7        5  up",
  );
  const anew = statsOf(SECOND.at, 1000);
  expect(topScreen(HEALTH, anew, FIRST)).toContain(
    "tap0          500       1        5     7        5  up",
  );
});

test("nemean top keeps its rates while the pipeline has said nothing new", async () => {
  using folder = new TestFolder();
  let looks = 0;
  // Each look asks twice; the pipeline has spoken anew at the second, and not at the third.
  const later = (): boolean => looks++ >= 2;
  const [first, second] = [1, 2].map((n) =>
    snapshotOf({ at: 1.7e15 + n * 1e6, modules: [{ ...MODULE, inputs: { flows: n * 500 } }] }),
  );
  using api = new TestApi([], { snapshot: () => (later() ? second! : first!) });
  using _ = serveSocket(api.app, socketPath(folder.path));
  const command = [process.execPath, MAIN, "top", "--data", folder.path, "--count", "3"];
  const child = Bun.spawn([...command, "--interval", "0.1"]);
  const out = await new Response(child.stdout).text();
  expect(out.match(/^vportscan.*$/gm)!.map((row) => row.split(/ +/)[1])).toEqual([
    "0",
    "500",
    "500",
  ]);
});

test("nemean top looks as often as it is told, and says when nothing runs", async () => {
  using folder = new TestFolder();
  using api = new TestApi();
  const command = [process.execPath, MAIN, "top", "--data", folder.path];
  const none = Bun.spawnSync([...command, "--count", "1"]);
  expect(none.exitCode).toBe(69);
  expect(none.stderr.toString()).toContain("nothing runs with the data folder");
  using _ = serveSocket(api.app, socketPath(folder.path));
  const child = Bun.spawn([...command, "--count", "2", "--interval", "0.1"], { stderr: "pipe" });
  const out = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  expect(out.match(/^ok {2}up/gm)).toHaveLength(2);
  expect(out).toContain('a"b\\c\\x0ad');
});
