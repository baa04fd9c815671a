// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TextSource } from "./text-source.ts";

// Some tests start a process, on a machine that may be busy.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "nemean-text-source-"));
afterAll(() => rmSync(folder, { recursive: true }));

const env = { ...process.env, SOURCE: join(import.meta.dir, "text-source.ts") };

/** A process that reads standard input, waiting `waitMs` each time, and says what comes of each read. */
const reads = (waitMs: number): string => `
  const { TextSource } = await import(process.env.SOURCE);
  const source = new TextSource("-");
  const chunk = new Uint8Array(new ArrayBuffer(4096));
  process.stdout.write(source.name + "\\n");
  for (let length = -1; length !== 0; ) {
    length = source.read(chunk, ${waitMs});
    process.stdout.write(length + "\\n");
  }
`;

describe("TextSource", () => {
  test("TextSource gives a file's bytes in pieces of the chunk, then its end", () => {
    const path = join(folder, "abc");
    writeFileSync(path, "abcdefgh");
    const source = new TextSource(path);
    const chunk = new Uint8Array(new ArrayBuffer(5));
    const pieces: string[] = [];
    for (let length = source.read(chunk); length > 0; length = source.read(chunk))
      pieces.push(new TextDecoder().decode(chunk.subarray(0, length)));
    expect(pieces).toEqual(["abcde", "fgh"]);
    expect([source.read(chunk), source.read(chunk, -1)]).toEqual([0, 0]);
    source.close();
    expect(source.name).toBe(path);
  });

  test("TextSource names a file that is not there, and a folder once it is read", () => {
    const failure = (start: string) =>
      expect.objectContaining({
        code: "ERR_INPUT",
        exitCode: 66,
        message: expect.stringContaining(start),
      });
    expect(() => new TextSource("/none/x")).toThrow(failure("cannot read /none/x: ENOENT"));
    const source = new TextSource(folder);
    const chunk = new Uint8Array(new ArrayBuffer(8));
    expect(() => source.read(chunk)).toThrow(failure(`cannot read ${folder}: EISDIR`));
    source.close();
  });

  test("TextSource waits for a pipe for as long as it is told to", async () => {
    const child = Bun.spawn([process.execPath, "-e", reads(-1)], {
      env,
      stdin: "pipe",
      stdout: "pipe",
    });
    const output = child.stdout.getReader();
    const decoder = new TextDecoder();
    const said = async (): Promise<string> => decoder.decode((await output.read()).value);
    // It says nothing of its waiting, however long that takes.
    const steps = [await said()];
    for (const piece of ["one\n", "and two\n"]) {
      child.stdin.write(piece);
      await child.stdin.flush();
      steps.push(await said());
    }
    await child.stdin.end();
    steps.push(await said());
    expect(steps).toEqual(["standard input\n", "4\n", "8\n", "0\n"]);
    expect(await child.exited).toBe(0);
  });

  test("TextSource says so when nothing has come", async () => {
    const child = Bun.spawn([process.execPath, "-e", reads(1)], {
      env,
      stdin: "pipe",
      stdout: "pipe",
    });
    const output = child.stdout.getReader();
    let text = "";
    while (!text.includes("-1\n")) text += new TextDecoder().decode((await output.read()).value);
    await child.stdin.end();
    expect(await child.exited).toBe(0);
    expect(text).toStartWith("standard input\n-1\n");
  });
});
