// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inputFiles, linkBits } from "./input-files.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-input-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("inputFiles has files as they are named, and those of a folder by their names", () => {
  const inside = join(folder, "some");
  mkdirSync(join(inside, "deeper"), { recursive: true });
  for (const name of ["b", "a", "c"]) writeFileSync(join(inside, name), "");
  const files = ["a", "b", "c"].map((name) => join(inside, name));
  expect(inputFiles("m", `-, ${inside},${files[1]}`)).toEqual(["-", ...files, files[1]!]);
});

test("inputFiles says what is missing", () => {
  expect(() => inputFiles("m", " , ")).toThrow("m: name the files to read");
  expect(() => inputFiles("m", join(folder, "none"))).toThrow(
    `m: cannot read ${folder}/none: ENOENT`,
  );
  mkdirSync(join(folder, "empty"));
  expect(() => inputFiles("m", join(folder, "empty"))).toThrow("the folder has no files");
});

test("linkBits are hexadecimal", () => {
  expect(["1", "0x10", "FFFFFFFFFFFFFFFF"].map((text) => linkBits("m", text))).toEqual([
    1n,
    16n,
    0xffff_ffff_ffff_ffffn,
  ]);
  for (const text of ["", "0x", "g", "12345678901234567"])
    expect(() => linkBits("m", text)).toThrow("m: -l");
});
