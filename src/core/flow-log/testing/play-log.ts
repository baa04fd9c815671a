// SPDX-License-Identifier: BSD-3-Clause
/** Run a source of flows to its end, and keep what it sends and says. @module */
import { ManualClock } from "../../clock.ts";
import type { AnyModule } from "../../module.ts";
import { ModuleRunner } from "../../runner.ts";
import { type Row, rowsOf } from "../../unirec/test-kit.ts";
import { SECOND } from "../../unirec/time.ts";

export interface Played {
  readonly rows: readonly Row[];
  readonly warned: readonly string[];
  /** Milliseconds that it wanted to wait, each of which has passed. */
  readonly waits: readonly number[];
  readonly runner: ModuleRunner;
}

export function playLog(module: AnyModule, params: Readonly<Record<string, unknown>>): Played {
  const clock = new ManualClock(1_800_000_000 * SECOND);
  const rows: Row[] = [];
  const warned: string[] = [];
  const waits: number[] = [];
  const warn = (message: string): void => void warned.push(message);
  const runner = new ModuleRunner(module, { clock, params, warn });
  const port = runner.outputs["flows"]!;
  port.link({
    receive: (batch) => rows.push(...rowsOf(batch, port.template)),
    advance: () => {},
    end: () => {},
  });
  for (let wait = runner.produce(); wait !== undefined; wait = runner.produce()) {
    if (wait === 0) continue;
    waits.push(wait);
    clock.set(clock.now() + wait * 1000);
  }
  port.flush();
  runner.end();
  return { rows, warned, waits, runner };
}
