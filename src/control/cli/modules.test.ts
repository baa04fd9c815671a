// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { page, schema } from "../derive.ts";
import { allModules, moduleNamed } from "../modules.ts";
import { nemean } from "./testing/command-line.ts";

describe("modules", () => {
  test("modules lists each module with its kind and what it does", async () => {
    const { code, out } = nemean(["modules"]);
    expect(code).toBe(0);
    const rows = (await allModules()).map(({ kind, def }) => [def.name, kind, def.about]);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split(/ {2,}/)),
    ).toEqual(rows);
  });

  test("modules --json has what a program needs to offer them", async () => {
    const rows = JSON.parse(nemean(["modules", "--json"]).out);
    expect(rows).toHaveLength((await allModules()).length);
    const def = await moduleNamed("vportscan");
    expect(rows).toContainEqual({
      name: "vportscan",
      kind: "detector",
      about: def.about,
      replaces: "vportscan_detector",
      aliases: ["vportscan_detector"],
      parameters: schema(def),
      rules: def.rules!,
    });
  });
});

describe("help", () => {
  test("help MODULE prints a text, its docs page or its schema", async () => {
    const def = await moduleNamed("vportscan");
    expect(nemean(["help", "vportscan"]).out).toContain("--ports-max <count>");
    expect(nemean(["help", "vportscan", "--markdown"]).out).toBe(page(def));
    expect(JSON.parse(nemean(["help", "vportscan_detector", "--schema"]).out)).toEqual(schema(def));
  });

  test.each(["meter", "replay", "run", "demo", "up", "modules", "help", "new", "doctor"])(
    "%s --help says how it is used",
    (command) => {
      const { code, out } = nemean([command, "--help"]);
      expect(code).toBe(0);
      expect(out).toStartWith(`Usage: nemean ${command} `);
    },
  );

  test("help COMMAND prints what the command's own --help prints", () => {
    expect(nemean(["help", "meter"]).out).toBe(nemean(["meter", "--help"]).out);
    expect(nemean(["help"]).out).toBe(nemean([]).out);
  });
});
