// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EMPTY_SNAPSHOT } from "../snapshot.ts";
import type { ProcessPlan } from "./layout.ts";
import { Supervisor } from "./supervisor.ts";
import { FakeBackend, FakeClocks, planOf } from "./testing/backend.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-supervisor-"));
afterAll(() => rmSync(folder, { recursive: true }));

const capture = (name: string): ProcessPlan =>
  planOf(name, {
    kind: "capture",
    task: {
      kind: "appliance",
      plan: { source: { kind: "generator", traffic: { seed: 1 } }, modules: [], sensor: "" },
    },
  });

async function open(name: string) {
  const backend = new FakeBackend();
  const socket = join(folder, `${name}.sock`);
  const clocks = new FakeClocks();
  const supervisor = await Supervisor.open({
    backend,
    socket,
    clocks,
    onAlert: () => {},
    keep: async () => {},
  });
  return { backend, supervisor, clocks };
}

describe("Supervisor", () => {
  test("apply starts what is new, ends what is gone, restarts what changed, and leaves the rest alone", async () => {
    const { backend, supervisor } = await open("apply");
    await using _ = supervisor;
    expect(await supervisor.apply([planOf("a"), planOf("b"), planOf("c")])).toEqual([
      "a",
      "b",
      "c",
    ]);
    backend.asked.length = 0;
    const changed = planOf("b", { memory: 99 });
    const applied = supervisor.apply([planOf("a"), changed, planOf("d")]);
    expect(backend.asked).toEqual(["stop c", "stop b", "start d"]);
    backend.end("c");
    expect(await applied).toEqual(["c", "b", "d"]);
    backend.end("b");
    expect(backend.asked.at(-1)).toBe("start b");
    expect(supervisor.views().map(({ name }) => name)).toEqual(["control", "a", "b", "d"]);
  });

  test("apply leaves what an operator has stopped as it is", async () => {
    const { backend, supervisor } = await open("stopped");
    await using _ = supervisor;
    await supervisor.apply([planOf("a")]);
    expect(supervisor.act("a", "stop")).toBe(true);
    backend.end("a");
    await supervisor.apply([planOf("a", { memory: 7 })]);
    expect(supervisor.views()[1]).toMatchObject({ state: "stopped" });
    expect(supervisor.act("none", "start")).toBe(false);
  });

  test("ready tells what an operator has to mend, and waits for what is only slow", async () => {
    const { backend, supervisor } = await open("ready");
    await using _ = supervisor;
    await supervisor.apply([capture("capture@x"), planOf("module@bad")]);
    const ready = supervisor.ready();
    const failure = { message: "x: no such interface", exitCode: 66 };
    supervisor.report("capture@x", { kind: "ended", failure });
    backend.end("capture@x", { code: 66 });
    expect(await ready).toEqual(failure);
    expect(supervisor.health()).toContain(
      "process capture@x: x: no such interface; it is started again",
    );
  });

  test("ready does not wait for modules that packets do not go through", async () => {
    const { supervisor } = await open("line");
    await using _ = supervisor;
    await supervisor.apply([capture("capture@x"), planOf("module@slow")]);
    supervisor.report("capture@x", { kind: "ready" });
    expect(await supervisor.ready()).toBeUndefined();
  });

  test("stop ends captures first, and what they feed once they have ended", async () => {
    const { backend, supervisor } = await open("stop");
    await using _ = supervisor;
    await supervisor.apply([planOf("detectors"), capture("capture@x")]);
    backend.asked.length = 0;
    const stopped = supervisor.stop();
    expect(backend.asked).toEqual(["stop capture@x"]);
    backend.end("capture@x");
    await Bun.sleep(0);
    expect(backend.asked).toEqual(["stop capture@x", "stop detectors"]);
    backend.end("detectors");
    await stopped;
  });

  test("snapshot is of all processes, as old as the one that is silent the longest", async () => {
    const { supervisor } = await open("snapshot");
    await using _ = supervisor;
    await supervisor.apply([capture("capture@x"), capture("capture@y")]);
    const beat = (at: number, missed: number) =>
      ({
        kind: "beat",
        snapshot: { ...EMPTY_SNAPSHOT, at, missed },
        alertsDropped: 1,
      }) as const;
    supervisor.report("capture@x", beat(5, 1));
    supervisor.report("capture@y", beat(9, 2));
    expect(supervisor.snapshot()).toMatchObject({ at: 5, missed: 3, finished: false });
    expect(supervisor.health()).toContain("alerts: 2 were lost while control was away");
  });
});
