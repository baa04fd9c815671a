// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CaptureFolder, captureFile, udpFrame } from "../fixtures/capture-file.ts";
import { describeWithLibpcap } from "../fixtures/requirements.ts";
import * as everything from "./index.ts";

const readme = await Bun.file(new URL("../README.md", import.meta.url)).text();
const index = fileURLToPath(new URL("./index.ts", import.meta.url));
const CODE = /```ts\n(.*?)```/gs;
const examples = [...readme.matchAll(CODE)].map((match) => match[1]!);

test("README names every function and class of the package", () => {
  expect(Object.keys(everything).filter((name) => !readme.includes(name))).toEqual([]);
});

describeWithLibpcap("README", () => {
  test.each([
    [0, /^EN10MB\n0 62 Uint8Array/],
    [1, /^124\n$/],
    // Example 2 captures on eth0.
    [3, /^false \d+ Uint8Array/],
  ])("example %d runs", async (number, output) => {
    using folder = new CaptureFolder();
    const trace = captureFile([{ bytes: udpFrame(1000, 53) }, { bytes: udpFrame(53, 1000) }]);
    await Bun.write(join(folder.path, "trace.pcap"), trace);
    const script = join(folder.path, "example.ts");
    await Bun.write(script, examples[number]!.replaceAll("@bun/ffi-libpcap-bindings", index));
    const run = Bun.spawnSync([process.execPath, script], { cwd: folder.path });
    expect(run.stderr.toString()).toBe("");
    expect(run.stdout.toString()).toMatch(output);
  });
});
