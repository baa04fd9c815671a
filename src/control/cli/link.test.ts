// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { Folder, nemean } from "./testing/command-line.ts";

const folder = new Folder();
afterAll(() => folder.remove());

test("link writes launchers under the original's names, which run the module with what they are given", () => {
  const bin = folder.at("it's here");
  expect(nemean(["link", bin]).code).toBe(0);
  expect(readdirSync(bin)).toEqual(
    expect.arrayContaining([
      "logger",
      "logreplay",
      "traffic_repeater",
      "flowcounter",
      "vportscan_detector",
    ]),
  );
  const run = (...args: string[]) =>
    Bun.spawnSync([`${bin}/vportscan_detector`, ...args], { stdin: "ignore", timeout: 20_000 });
  expect(run("-h").stdout.toString()).toContain("vportscan");
  const wrong = run("-i", "u:a b,q:");
  expect(wrong.exitCode).toBe(64);
  expect(wrong.stderr.toString()).toContain('interface "q:"');
});

test("link writes its launchers anew and leaves alone what is not its own", () => {
  const bin = folder.at("mixed");
  nemean(["link", bin]);
  writeFileSync(`${bin}/logger`, "#!/bin/sh\necho mine\n");
  const { code, err } = nemean(["link", bin]);
  expect(code).toBe(73);
  expect(err).toBe(`warning: ${bin}/logger is there and not ours: left alone\n`);
  expect(statSync(`${bin}/logger`).size).toBe(20);
});
