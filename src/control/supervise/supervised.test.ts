// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { EMPTY_SNAPSHOT } from "../snapshot.ts";
import { Supervised } from "./supervised.ts";
import { FakeBackend, FakeClocks, planOf } from "./testing/backend.ts";

const BEAT = { kind: "beat", snapshot: EMPTY_SNAPSHOT, alertsDropped: 0 } as const;

function started() {
  const backend = new FakeBackend();
  const clocks = new FakeClocks();
  const process = new Supervised(planOf("p"), backend, clocks);
  backend.observe({ onExit: (_name, exit) => process.ended(exit) });
  process.start();
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds * 4; i++) {
      clocks.seconds += 0.25;
      process.tick();
    }
  };
  return { backend, clocks, process, pass };
}

describe("Supervised", () => {
  test("a process is starting until it says that it is ready", () => {
    const { process } = started();
    expect([process.state, process.wasReady]).toEqual(["starting", false]);
    process.take({ kind: "ready" });
    expect([process.state, process.wasReady]).toEqual(["running", true]);
  });

  test("one that ends by itself has failed, says why, and is started again after 1, then 2 s", () => {
    const { backend, process, pass } = started();
    process.take({ kind: "ready" });
    process.take({ kind: "ended", failure: { message: "no such interface", exitCode: 66 } });
    backend.end("p", { code: 66 });
    expect(process.view()).toMatchObject({
      state: "failed",
      reason: "no such interface",
      restarts: 0,
      retryAt: 1_001_000_000,
    });
    pass(0.75);
    expect(process.state).toBe("failed");
    pass(0.25);
    expect([process.state, process.view().restarts]).toEqual(["starting", 1]);
    backend.end("p", { code: null, signal: "SIGKILL" });
    expect(process.view().reason).toBe("it was ended by SIGKILL");
    pass(1.75);
    expect(process.state).toBe("failed");
    pass(0.25);
    expect(backend.asked).toEqual(["start p", "start p", "start p"]);
  });

  test("one that says nothing for 8 s is killed within 9, and started again", () => {
    const { backend, process, pass } = started();
    process.take({ kind: "ready" });
    pass(7);
    process.take(BEAT);
    pass(8);
    expect(backend.asked).toEqual(["start p"]);
    pass(1);
    expect(backend.asked).toEqual(["start p", "kill p"]);
    backend.end("p", { code: null, signal: "SIGKILL" });
    expect(process.view()).toMatchObject({
      state: "failed",
      reason: "it hung: no sign of life for 8 s",
    });
  });

  test("one that is not ready after 30 s is killed", () => {
    const { backend, pass } = started();
    pass(30);
    expect(backend.asked).toEqual(["start p"]);
    pass(1);
    expect(backend.asked).toEqual(["start p", "kill p"]);
  });

  test("one that is told to stop is killed after 10 s, and is stopped, not failed", () => {
    const { backend, process, pass } = started();
    process.take({ kind: "ready" });
    process.stop();
    pass(10);
    expect(backend.asked).toEqual(["start p", "stop p"]);
    pass(1);
    expect(backend.asked.at(-1)).toBe("kill p");
    backend.end("p", { code: null, signal: "SIGKILL" });
    pass(120);
    expect([process.state, process.view().retryAt]).toEqual(["stopped", null]);
  });

  test("a restart waits for the end, and counts as no failure", () => {
    const { backend, process } = started();
    process.take({ kind: "ready" });
    process.restart();
    expect(process.state).toBe("stopping");
    backend.end("p");
    expect([process.state, process.view().restarts]).toEqual(["starting", 0]);
    expect(backend.asked).toEqual(["start p", "stop p", "start p"]);
  });

  test("a stop while it waits to be started again keeps it stopped, and a start begins at once", () => {
    const { backend, process, pass } = started();
    backend.end("p", { code: 1 });
    process.stop();
    pass(5);
    expect(process.state).toBe("stopped");
    process.start();
    expect(process.state).toBe("starting");
  });

  test("one whose source has no more has ended, and is left alone", () => {
    const { backend, process, pass } = started();
    process.take({ kind: "ready" });
    process.take({ kind: "ended" });
    backend.end("p");
    pass(60);
    expect([process.state, backend.asked.length]).toEqual(["ended", 1]);
  });

  test("a command is running once it has lived for a second, and words are not asked of it", () => {
    const backend = new FakeBackend();
    backend.pidOf = () => globalThis.process.pid;
    const clocks = new FakeClocks();
    const plan = planOf("c", { kind: "command", memory: 100_000 });
    const process = new Supervised(plan, backend, clocks);
    process.start();
    for (let i = 0; i < 80; i++) {
      clocks.seconds += 0.5;
      process.tick();
    }
    expect([process.state, backend.asked]).toEqual(["running", ["start c"]]);
    expect(process.view().memory).toBeGreaterThan(1e6);
  });

  test("one that has more memory than it may is killed, and says so", () => {
    const backend = new FakeBackend();
    backend.pidOf = () => globalThis.process.pid;
    const process = new Supervised(planOf("m", { memory: 1 }), backend, new FakeClocks());
    backend.observe({ onExit: (_name, exit) => process.ended(exit) });
    process.start();
    process.tick();
    backend.end("m", { code: null, signal: "SIGKILL" });
    expect(backend.asked).toEqual(["start m", "kill m"]);
    expect(process.view().reason).toMatch(/^it had \d+ MB of memory; limits.memory allows 1$/);
  });
});
