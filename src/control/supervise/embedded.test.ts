// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { Exit } from "./backend.ts";
import { EmbeddedBackend } from "./embedded.ts";
import type { LogLine } from "./view.ts";

/** Run one program to its end. */
async function ran(command: readonly string[], act?: (backend: EmbeddedBackend) => void) {
  const lines: LogLine[] = [];
  await using backend = new EmbeddedBackend({
    socket: "/none",
    env: { TRAP_SOCKET_DIR: "/tmp/x" },
    onLine: (_name, line) => lines.push(line),
  });
  const ended = Promise.withResolvers<[string, Exit]>();
  backend.observe({ onExit: (name, exit) => ended.resolve([name, exit]) });
  backend.start({ name: "command@a", kind: "command", command });
  act?.(backend);
  const exit = await ended.promise;
  await Bun.sleep(50);
  return { exit, lines, kept: await backend.logs("command@a", 2), pid: backend.pidOf("command@a") };
}

test("EmbeddedBackend tells how a process ended, and keeps what it wrote with its level", async () => {
  const script = "echo $TRAP_SOCKET_DIR; echo '<4>careful' >&2; echo '<0>fire' >&2; exit 3";
  const { exit, lines, kept, pid } = await ran(["/bin/sh", "-c", script]);
  expect(exit).toEqual(["command@a", { code: 3, signal: null }]);
  expect(lines.map(({ level, message }) => [level, message]).toSorted()).toEqual([
    ["error", "fire"],
    ["info", "/tmp/x"],
    ["warning", "careful"],
  ]);
  expect(kept).toHaveLength(2);
  expect(pid).toBeUndefined();
});

test("EmbeddedBackend stops and kills processes", async () => {
  const sleep = ["/bin/sh", "-c", "exec sleep 100"];
  const stopped = await ran(sleep, (backend) => setTimeout(() => backend.stop("command@a"), 100));
  expect(stopped.exit[1].signal).toBe("SIGTERM");
  const killed = await ran(sleep, (backend) => backend.kill("command@a"));
  expect(killed.exit[1].signal).toBe("SIGKILL");
});

test("EmbeddedBackend tells of a program that is not there as of one that ended", async () => {
  const { exit } = await ran(["/none/at-all"]);
  expect(exit[1]).toMatchObject({ code: null, detail: expect.stringContaining("/none/at-all") });
});

test("EmbeddedBackend keeps the latest lines, each cut to a bound", async () => {
  const script = `for i in $(seq 600); do echo $i; done; printf '%09000d\\n' 1`;
  const { lines } = await ran(["/bin/sh", "-c", script]);
  expect(lines).toHaveLength(601);
  expect(lines.at(-1)!.message).toHaveLength(4000);
});
