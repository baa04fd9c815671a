// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { runMeasured } from "./process.ts";

test("runMeasured gives the exit code and both outputs", async () => {
  const result = await runMeasured(["sh", "-c", "echo out; echo err >&2; exit 3"]);
  expect(result).toMatchObject({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
});

test("runMeasured tells a child's memory from its parent's", async () => {
  const ballast = new Uint8Array(256 << 20).fill(1);
  const result = await runMeasured(["sh", "-c", "sleep 0.2"]);
  expect(ballast[ballast.length - 1]).toBe(1);
  expect(result.rssPeak).toBeGreaterThan(0);
  expect(result.rssPeak).toBeLessThan(64 << 20);
});
