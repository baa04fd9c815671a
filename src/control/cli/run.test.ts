// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Folder, MAIN, nemean } from "./testing/command-line.ts";

const folder = new Folder();
afterAll(() => folder.remove());

const HEADER =
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint8 TCP_FLAGS,uint32 PACKETS,time TIME_FIRST,time TIME_LAST";
const probe = (port: number): string =>
  `10.0.0.1,10.0.0.2,40000,${port},6,2,1,2024-01-01T00:00:00.000000,2024-01-01T00:00:01.000000`;
const probes = (count: number): string[] => Array.from({ length: count }, (_, i) => probe(1 + i));
const text = (...lines: string[]): string => `${lines.join("\n")}\n`;
const lines = (output: string): string[] => output.split("\n").filter((line) => line !== "");

describe("run", () => {
  test("run feeds UniRec text to a module and writes its records as text", () => {
    const { code, out, err } = nemean(
      ["run", "vportscan", "--ports-max", "20"],
      text(HEADER, ...probes(20)),
    );
    expect([code, err]).toEqual([0, ""]);
    expect(lines(out)).toHaveLength(2);
    expect(lines(out)[0]).toContain("uint32 PORT_CNT");
    expect(lines(out)[1]).toStartWith("10.0.0.2,10.0.0.1,");
  });

  test("run names bad lines, skips them, goes on, and ends with 65", () => {
    const input = folder.file(
      "bad.csv",
      text(HEADER, ...probes(10), "1,2,3", probe(70_000), "\u001b[2Jx,,,,,,,,", "", ...probes(20)),
    );
    const { code, out, err } = nemean(["run", "vportscan", "--in", input, "--ports-max=20"]);
    expect(code).toBe(65);
    expect(lines(out)).toHaveLength(2);
    expect(lines(err)).toEqual([
      `warning: ${input}: line 12: 3 columns, the header has 9; skipped`,
      `warning: ${input}: line 13: invalid field "DST_PORT": "70000"; skipped`,
      `warning: ${input}: line 14: invalid field "SRC_IP": "\\x1b[2Jx"; skipped`,
      "3 lines skipped",
    ]);
  });

  test("run names the first 20 bad lines and counts the others", () => {
    const { code, err } = nemean(
      ["run", "vportscan"],
      text(HEADER, ...Array.from({ length: 1234 }, () => "x".repeat(5000))),
    );
    expect(code).toBe(65);
    expect(lines(err)).toHaveLength(21);
    expect(lines(err).at(-1)).toBe("1,234 lines skipped");
  });

  test("run reads one file and writes another", () => {
    const [input, output] = [
      folder.file("in.csv", text(HEADER, ...probes(60))),
      folder.at("out.csv"),
    ];
    const ended = nemean(["run", "vportscan", "--in", input, "--out", output]);
    expect(ended).toEqual({ code: 0, out: "", err: "" });
    expect(lines(readFileSync(output, "utf8")).length).toBeGreaterThan(1);
  });

  test("run writes what it has found before it waits for more of a pipe", async () => {
    const child = Bun.spawn([process.execPath, MAIN, "run", "vportscan", "--ports-max", "20"], {
      stdin: "pipe",
      stdout: "pipe",
    });
    child.stdin.write(text(HEADER, ...probes(20)));
    await child.stdin.flush();
    let out = "";
    const reader = child.stdout.getReader();
    while (lines(out).length < 2) out += new TextDecoder().decode((await reader.read()).value);
    expect(lines(out)[1]).toStartWith("10.0.0.2,10.0.0.1,");
    await child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  test("run has flows be as late as --lateness says", () => {
    const later = probe(80).replaceAll("10.0.0.", "10.9.9.").replaceAll("T00:00:", "T00:10:");
    const scan = probes(40);
    const input = text(HEADER, ...scan.slice(0, 20), later, ...scan.slice(20));
    const found = (lateness: string): number =>
      lines(nemean(["run", "vportscan", "--ports-max=40", "--lateness", lateness], input).out)
        .length - 1;
    expect([found("0"), found("3600")]).toEqual([0, 1]);
  });

  test.each([
    ["nothing", "", /^nemean: standard input: empty: expected a header/],
    [
      "no header",
      "hello world\n",
      /^nemean: standard input: header: not a UniRec field: "hello world"/,
    ],
    ["a header that lacks fields", "uint16 DST_PORT\n1\n", /header: requires .*ipaddr SRC_IP/],
  ])("run refuses %s with 65", (_, input, message) => {
    const { code, err } = nemean(["run", "vportscan"], input);
    expect(code).toBe(65);
    expect(lines(err)).toHaveLength(1);
    expect(err).toMatch(message);
  });

  test.each([
    ["a folder", folder.path, /EISDIR/],
    ["no file", folder.at("none"), /ENOENT/],
  ])("run refuses %s with 66", (_, path, message) => {
    const { code, err } = nemean(["run", "vportscan", "--in", path]);
    expect(code).toBe(66);
    expect(lines(err)).toHaveLength(1);
    expect(err).toContain(`cannot read ${path}: `);
    expect(err).toMatch(message);
  });

  test("run prints its own help, and a module's", () => {
    expect(nemean(["run", "--help"]).out).toContain("Usage: nemean run");
    for (const option of ["-h", "--help"])
      expect(nemean(["run", "haddrscan", option]).out).toContain("-n, --addresses-max");
  });
});
