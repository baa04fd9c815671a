// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const npm = Bun.which("npm");

/** Run a command of the README in this checkout, on a free port so that it disturbs no other. */
async function demo(
  command: readonly string[],
): Promise<{ code: number; out: string; said: string }> {
  const child = Bun.spawn([...command, "--once", "--port", "0"], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, said, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, said };
}

/** What both forms of the first command have to show. */
function expectDemo({ code, out, said }: Awaited<ReturnType<typeof demo>>): void {
  expect(said).toMatch(/flows in .* s \([\d,]+ flows\/s/);
  for (const detector of [
    "haddrscan",
    "vportscan",
    "volumetric",
    "brute-force",
    "dnstunnel",
    "miner",
  ])
    expect(out).toContain(detector);
  const [, hidden] = said.split("What was hidden in the traffic, and who found it:\n");
  expect(hidden!.trim().split("\n")).toHaveLength(10);
  expect(hidden).not.toContain("not found");
  expect(code).toBe(0);
}

test.skipIf(npm === null)(
  `the README's npm run demo shows flows a second and finds ten attacks${npm === null ? " (skipped: no npm)" : ""}`,
  async () => expectDemo(await demo([npm!, "run", "--silent", "demo", "--"])),
);

test("the README's bun run demo does the same", async () =>
  expectDemo(await demo([process.execPath, "run", "--silent", "demo"])));
