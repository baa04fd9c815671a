// SPDX-License-Identifier: BSD-3-Clause
// Alerts recorded from NEMEA's detectors, against those of ours in compat mode, as processes that speak TRAP.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allModules } from "../../src/control/modules.ts";
import type { AnyModule } from "../../src/core/module.ts";
import { alertLines } from "../../src/core/testing/golden.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";
import { type ChainResult, runChain } from "./detector-chain.ts";
import { RECORDED, type Recorded } from "./recorded-detectors.ts";

// A case waits for those before it.
setDefaultTimeout(600_000);

const INPUT = ".in.csv";
/** Cases at a time: each is a process or three. */
const AT_ONCE = 2;
const modules = (await allModules()).map(({ def }) => def);
const folder = mkdtempSync(join(tmpdir(), "nemean-golden-"));
afterAll(() => rmSync(folder, { recursive: true }));

for (const [name, recorded] of Object.entries(RECORDED)) {
  const source = `golden/detectors/${name}`;
  const def = modules.find((each) => each.aliases?.includes(recorded.command));
  if (!def) throw new Error(`no module stands in for ${recorded.command}`);
  if (hasShared(source)) testRecorded(name, recorded, def);
  else test.skip(`${name} as processes (${NO_SHARED})`, () => {});
}

function testRecorded(name: string, recorded: Recorded, def: AnyModule): void {
  const source = sharedPath("golden/detectors", name);
  const { paced = {}, excluded = {}, servers = {} } = recorded;
  const cases = readdirSync(source)
    .filter((file) => file.endsWith(INPUT))
    .map((file) => file.slice(0, -INPUT.length))
    .filter((item) => !(item in excluded))
    .sort();

  describe(`${name}, as processes:`, () => {
    const results = new Map<string, Promise<ChainResult>>();
    const equal = new Set<string>();
    const listeners: Bun.TCPSocketListener[] = [];

    beforeAll(() => {
      for (const [port, answer] of Object.entries(servers))
        listeners.push(answering(Number(port), answer));
      const limit = limited(AT_ONCE);
      for (const item of cases) {
        const args = recorded.argsOf?.[item] ?? recorded.args ?? [];
        const compat = def.params["compat"] ? ["--compat", "nemea"] : [];
        const result = limit(() =>
          runChain({
            source,
            folder: join(folder, `${name}-${item}`),
            name: item,
            detector: [recorded.command, ...compat, ...args],
            ...(item in paced ? { clockRate: paced[item]! } : {}),
          }),
        );
        // Whoever waits for it is told; until then nobody is.
        result.catch(() => {});
        results.set(item, result);
      }
    });
    afterAll(() => {
      for (const listener of listeners) listener.stop(true);
    });

    test.each(cases)(`${name} sends as a process what the original sent: %s`, async (item) => {
      const { csv, exitCode, stderr } = await results.get(item)!;
      const original = readFileSync(join(source, `${item}.out.csv`), "utf8");
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(alertLines(csv, recorded)).toEqual(alertLines(original, recorded));
      equal.add(item);
    });

    test(`${name} equals the original in all ${cases.length} cases as processes`, () => {
      process.stdout.write(`${name}: ${equal.size}/${cases.length} as processes\n`);
      expect(equal.size).toBe(cases.length);
    });
  });
}

/** Runs at most so many of what it is given at once, in order. */
function limited(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const last: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  let next = 0;
  return (work) => {
    const turn = next++ % atOnce;
    const result = last[turn]!.then(work);
    last[turn] = result.catch(() => {});
    return result;
  };
}

/** A server on loopback that answers whatever it is asked, and closes. */
const answering = (port: number, answer: string): Bun.TCPSocketListener =>
  Bun.listen({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(socket) {
        socket.end(answer);
      },
    },
  });
