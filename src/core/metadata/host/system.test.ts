// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { assignments, readSystem } from "./system.ts";

test("assignments reads values with and without quotes", () => {
  const text = `NAME="A \\ B"\n# NOT=this\n ID=debian\nVERSION_ID='12.5'\nbroken\n`;
  expect([...assignments(text)]).toEqual([
    ["NAME", "A \\ B"],
    ["ID", "debian"],
    ["VERSION_ID", "12.5"],
  ]);
});

test("readSystem divides the version, and knows the host without a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "nemean-system-"));
  const path = join(folder, "os-release");
  writeFileSync(
    path,
    `NAME="Some OS"\nID=some\nID_LIKE=other\nVERSION_ID="70000.4"\nBUILD_ID=b1\n`,
  );
  expect(readSystem(path)).toMatchObject({
    name: "Some OS",
    major: 65_535,
    minor: 4,
    build: "b1",
    platform: "some",
    platformLike: "other",
  });
  rmSync(folder, { recursive: true });
  expect(readSystem(path)).toMatchObject({ name: "", major: 0, minor: 0, host: hostname() });
});
