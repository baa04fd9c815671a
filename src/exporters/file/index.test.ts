// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import type { Sink } from "../../core/exporter.ts";
import { numberedAlert, numberedAlerts } from "../../core/testing/alerts.ts";
import { testExporter } from "../../core/testing/exporter-kit.ts";
import file from "./index.ts";
import { LogFile } from "./log-file.ts";

const PLACE = { host: "nemean-01", version: "0.1.0" };
const DEFAULTS = {
  format: "json",
  rotate: 0,
  keep: 5,
  mode: "0640",
  sync: false,
} as const;
const folder = mkdtempSync(join(tmpdir(), "nemean-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
const newPath = (): string => join(folder, `alerts-${made++}.json`);
const sinkTo = (path: string, fields: Partial<Parameters<typeof file.open>[0]> = {}): Sink =>
  file.open({ ...DEFAULTS, path, ...fields }, PLACE);
/** Reasons of the alerts in a file of JSON lines; throws when one is no JSON. */
const reasonsIn = (path: string): string[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).reason);
const reasons = (from: number, to: number): string[] =>
  numberedAlerts(to - from, from).map(({ reason }) => reason);

testExporter(file);

describe("file", () => {
  test("appends a line an alert, to what is there already", async () => {
    const path = newPath();
    writeFileSync(path, "first\n");
    const sink = sinkTo(path);
    expect(await sink.send(numberedAlerts(2))).toEqual({ accepted: 2 });
    expect(await sink.send(numberedAlerts(1, 2))).toEqual({ accepted: 1 });
    await sink.close();
    const [first, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(first).toBe("first");
    expect(lines.map((line) => JSON.parse(line).reason)).toEqual(reasons(0, 3));
  });

  test("writes in the format that was asked for, and goes on after close", async () => {
    const path = newPath();
    const sink = sinkTo(path, { format: "cef", sync: true });
    await sink.send([numberedAlert(1)]);
    await sink.close();
    expect(await sink.send([numberedAlert(2)])).toEqual({ accepted: 1 });
    await sink.close();
    expect(readFileSync(path, "utf8")).toMatch(/^CEF:0\|.*\nCEF:0\|.*\n$/);
  });

  test.each([
    ["0640", 0o640],
    ["600", 0o600],
    ["0666", 0o666],
  ])("makes the file with permissions %s whatever the umask is", async (mode, bits) => {
    const path = newPath();
    const sink = sinkTo(path, { mode });
    await sink.send([numberedAlert(1)]);
    await sink.close();
    expect(statSync(path).mode & 0o777).toBe(bits);
  });

  test("leaves the permissions of a file that is there", async () => {
    const path = newPath();
    writeFileSync(path, "", { mode: 0o604 });
    const sink = sinkTo(path);
    await sink.send([numberedAlert(1)]);
    await sink.close();
    expect(statSync(path).mode & 0o777).toBe(0o604);
  });

  test("makes the file anew when logrotate moved or somebody deleted it", async () => {
    const path = newPath();
    const sink = sinkTo(path);
    await sink.send(numberedAlerts(1));
    renameSync(path, `${path}-moved`);
    await sink.send(numberedAlerts(1, 1));
    rmSync(path);
    await sink.send(numberedAlerts(1, 2));
    writeFileSync(`${path}-new`, "");
    renameSync(`${path}-new`, path);
    await sink.send(numberedAlerts(1, 3));
    await sink.close();
    expect(reasonsIn(`${path}-moved`)).toEqual(reasons(0, 1));
    expect(reasonsIn(path)).toEqual(reasons(3, 4));
  });

  test("writes to the end of a file that was cut in place", async () => {
    const path = newPath();
    const sink = sinkTo(path);
    await sink.send(numberedAlerts(5));
    writeFileSync(path, "");
    await sink.send(numberedAlerts(1, 5));
    await sink.close();
    expect(reasonsIn(path)).toEqual(reasons(5, 6));
  });

  test("ends a line that a crash cut off before the next", async () => {
    const path = newPath();
    writeFileSync(path, '{"id":"0197');
    const sink = sinkTo(path);
    await sink.send(numberedAlerts(1));
    await sink.close();
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('{"id":"0197');
    expect(JSON.parse(lines[1]!).reason).toBe(reasons(0, 1)[0]!);
  });
});

describe("file that cannot be written", () => {
  test("waits for a folder that is not there yet", async () => {
    const path = join(folder, "later", "alerts.json");
    const sink = sinkTo(path);
    const early = await sink.send(numberedAlerts(2));
    expect(early.accepted).toBe(0);
    expect(early.failure).toStartWith(`${path}: ENOENT`);
    expect(early.refused).toBeUndefined();
    mkdirSync(join(folder, "later"));
    expect(await sink.send(numberedAlerts(2))).toEqual({ accepted: 2 });
    await sink.close();
  });

  test("fails on a folder and on a pipe without a reader, at once", async () => {
    expect((await sinkTo(folder).send(numberedAlerts(1))).failure).toContain("EISDIR");
    const pipe = newPath();
    Bun.spawnSync(["mkfifo", pipe]);
    const { accepted, failure } = await sinkTo(pipe).send(numberedAlerts(1));
    expect({ accepted, failure }).toEqual({ accepted: 0, failure: `${pipe}: is no file` });
  });

  const noDevice = existsSync("/dev/full") ? "" : " (skipped: no /dev/full)";
  test.skipIf(noDevice !== "")(`fails when the disk is full${noDevice}`, async () => {
    const sink = sinkTo("/dev/full", { sync: true });
    const { accepted, failure } = await sink.send(numberedAlerts(2));
    expect(accepted).toBe(0);
    expect(failure).toStartWith("/dev/full: ENOSPC");
    await sink.close();
  });

  const disk = join(folder, "disk");
  mkdirSync(disk);
  const mounted = Bun.which("mount")
    ? Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk]).exitCode === 0
    : false;
  afterAll(() => {
    if (mounted) Bun.spawnSync(["umount", disk]);
  });
  const why = mounted ? "" : " (skipped: no right to mount a small disk)";

  test.skipIf(!mounted)(`keeps lines whole as the disk runs full, and goes on${why}`, async () => {
    const path = join(disk, "alerts.json");
    writeFileSync(join(disk, "other"), Buffer.alloc(20_000));
    const sink = sinkTo(path);
    const alerts = numberedAlerts(200);
    const { accepted, failure, retryAfter } = await sink.send(alerts);
    // Soon, however long it has been full already.
    expect([failure, retryAfter]).toEqual([expect.stringContaining("ENOSPC"), 5000]);
    expect(accepted).toBeWithin(10, 200);
    expect(reasonsIn(path)).toEqual(reasons(0, accepted));
    const again = await sink.send(alerts.slice(accepted));
    expect(again.accepted).toBe(0);
    expect(readFileSync(path, "utf8")).toEndWith("}\n");
    rmSync(join(disk, "other"));
    const more = alerts.slice(accepted, accepted + 10);
    expect(await sink.send(more)).toEqual({ accepted: 10 });
    await sink.close();
    expect(reasonsIn(path)).toEqual(reasons(0, accepted + 10));
  });
});

describe("file that is rotated", () => {
  test("moves the file at its size, and keeps so many", async () => {
    const path = newPath();
    const line = Buffer.from(`${"x".repeat(99)}\n`);
    const log = new LogFile({ path, mode: 0o640, rotateBytes: 300, keep: 2, sync: true });
    expect(await log.append(Array.from({ length: 10 }, () => line))).toEqual({ accepted: 10 });
    expect(await log.append([line])).toEqual({ accepted: 1 });
    await log.close();
    const files = readdirSync(folder).filter((name) => name.startsWith(basename(path)));
    const sizes = files.sort().map((name) => [name, statSync(join(folder, name)).size]);
    expect(sizes).toEqual([
      [basename(path), 200],
      [`${basename(path)}.1`, 300],
      [`${basename(path)}.2`, 300],
    ]);
  });

  test("gives a line longer than the size a file of its own", async () => {
    const path = newPath();
    const log = new LogFile({ path, mode: 0o640, rotateBytes: 10, keep: 9, sync: false });
    const lines = ["a\n", `${"long".repeat(9)}\n`, "b\n"].map((text) => Buffer.from(text));
    expect(await log.append(lines)).toEqual({ accepted: 3 });
    await log.close();
    const texts = [path, `${path}.1`, `${path}.2`].map((name) => readFileSync(name, "utf8"));
    expect(texts).toEqual(["b\n", `${"long".repeat(9)}\n`, "a\n"]);
  });

  test("loses no line and keeps their order, however they fall into batches and files", async () => {
    const batches = fc.array(fc.array(fc.integer({ min: 0, max: 80 }), { maxLength: 8 }), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 200 }), async (sizes, rotateBytes) => {
        const path = newPath();
        const log = new LogFile({ path, mode: 0o600, rotateBytes, keep: 99, sync: false });
        let n = 0;
        const all: string[] = [];
        for (const batch of sizes) {
          const lines = batch.map((size) => `${n++} ${"x".repeat(size)}\n`);
          all.push(...lines);
          expect(await log.append(lines.map((line) => Buffer.from(line)))).toEqual({
            accepted: lines.length,
          });
        }
        await log.close();
        const files: string[] = [];
        for (let k = 1; existsSync(`${path}.${k}`); k++) files.unshift(`${path}.${k}`);
        if (existsSync(path)) files.push(path);
        expect(files.map((name) => readFileSync(name, "utf8")).join("")).toBe(all.join(""));
      }),
      { numRuns: 60 },
    );
  });

  test("counts what others wrote to the file", async () => {
    const path = newPath();
    const log = new LogFile({ path, mode: 0o640, rotateBytes: 50, keep: 1, sync: false });
    await log.append([Buffer.from("a\n")]);
    appendFileSync(path, `${"x".repeat(60)}\n`);
    await log.append([Buffer.from("b\n")]);
    await log.close();
    expect(readFileSync(path, "utf8")).toBe("b\n");
  });
});

describe("file's parameters", () => {
  test.each([
    [{ path: "" }, 'path: expected an absolute path, got ""'],
    [{ path: "alerts.json" }, 'path: expected an absolute path, got "alerts.json"'],
    [{ path: "/tmp/a", mode: "rw" }, 'mode: expected octal permissions as 0640, got "rw"'],
    [{ path: "/tmp/a", mode: "0888" }, 'mode: expected octal permissions as 0640, got "0888"'],
  ])("open refuses %j", (fields, message) => {
    expect(() => file.open({ ...DEFAULTS, ...fields }, PLACE)).toThrow(message);
  });
});
