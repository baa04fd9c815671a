// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { globPaths } from "./file-glob.ts";
import { Folder } from "./testing/file-kit.ts";

const NAMES = ["a1", "a2", "a10", "b-1", "c]", "d^", ".hidden", "e.trap", "f*", "sub/a1", "sub/x"];

function matches(pattern: string): string[] {
  using folder = new Folder();
  mkdirSync(folder.file("sub"));
  for (const name of NAMES) writeFileSync(folder.file(name), "");
  const start = folder.path.length + 1;
  return globPaths(`${folder.path}/${pattern}`).map((path) => path.slice(start));
}

describe("globPaths", () => {
  test.each([
    ["a*", ["a1", "a10", "a2"]],
    ["a?", ["a1", "a2"]],
    ["a[13-9]", ["a1"]],
    ["a[!1]", ["a2"]],
    ["a[^1]", ["a2"]],
    ["[]c]*", ["c]"]],
    ["?[]^]", ["c]", "d^"]],
    ["b[+--]1", ["b-1"]],
    ["[z-a]*", []],
    ["[", []],
    ["f\\*", ["f*"]],
    ["?\\*", ["f*"]],
    ["*.trap", ["e.trap"]],
    ["e?trap", ["e.trap"]],
    [".*", [".hidden"]],
    ["*h*", []],
    ["s*/a*", ["sub/a1"]],
    ["*/x", ["sub/x"]],
    ["sub//?", ["sub/x"]],
    ["none/*", []],
    ["a1/*", []],
  ])("matches %p", (pattern, paths) => {
    expect(matches(pattern)).toEqual(paths);
  });

  test("starts from the working folder", () => {
    expect(globPaths("package.jso?")).toEqual(["package.json"]);
  });
});
