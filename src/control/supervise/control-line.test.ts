// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alert } from "../../core/alert.ts";
import { EMPTY_SNAPSHOT } from "../snapshot.ts";
import { alertOf } from "../store/testing/alerts.ts";
import { ControlLine } from "./control-line.ts";
import { ControlSocket, type Report } from "./control-socket.ts";
import type { ProcessTask } from "./layout.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-line-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TASK: ProcessTask = { kind: "command", command: ["/bin/true"] };

/** A control that remembers what it was told. */
async function control(path: string, keep = async (): Promise<void> => {}) {
  const alerts: Alert[] = [];
  const reports: [string, Report][] = [];
  const socket = await ControlSocket.listen(path, {
    taskOf: (name) => (name === "p" ? TASK : undefined),
    onReport: (name, report) => reports.push([name, report]),
    onAlert: (alert) => alerts.push(alert),
    keep,
  });
  return { socket, alerts, reports };
}

const until = async (done: () => boolean): Promise<void> => {
  const end = performance.now() + 5000;
  while (!done() && performance.now() < end) await Bun.sleep(5);
  expect(done()).toBe(true);
};

const numbered = (n: number): Alert => alertOf({ id: `id-${n}`, update: n });

describe("ControlLine", () => {
  test("ControlLine gets the task of its name, and brings reports and alerts in order", async () => {
    const path = join(folder, "a.sock");
    const { socket, alerts, reports } = await control(path);
    using _ = socket;
    using line = new ControlLine(path, "p");
    expect(await line.task).toEqual(TASK);
    line.isReady();
    line.tell({ kind: "beat", snapshot: EMPTY_SNAPSHOT, alertsDropped: 0 });
    for (let i = 0; i < 100; i++) await line.alert(numbered(i));
    await until(() => alerts.length === 100);
    expect(alerts.map(({ update }) => update)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(reports.map(([name, { kind }]) => [name, kind])).toEqual([
      ["p", "ready"],
      ["p", "beat"],
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  test("ControlLine keeps alerts while control is away, and tells the next one that it is ready", async () => {
    const path = join(folder, "b.sock");
    using line = new ControlLine(path, "p");
    await line.alert(numbered(1));
    line.isReady();
    const first = await control(path);
    await until(() => first.alerts.length === 1);
    first.socket[Symbol.dispose]();
    await line.alert(numbered(2));
    const second = await control(path);
    using _ = second.socket;
    await until(() => second.alerts.length >= 1 && second.reports.length === 1);
    expect(second.alerts.at(-1)!.update).toBe(2);
    expect(second.reports).toEqual([["p", { kind: "ready" }]]);
    expect(line.dropped).toBe(0);
  });

  test("ControlLine sends again what control had and did not keep", async () => {
    const path = join(folder, "k.sock");
    using line = new ControlLine(path, "p");
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = await control(path, () => promise);
    await line.alert(numbered(1));
    await until(() => first.alerts.length === 1);
    await Bun.sleep(200);
    first.socket[Symbol.dispose]();
    const second = await control(path);
    using _ = second.socket;
    await until(() => second.alerts.length === 1);
    expect(second.alerts[0]!.update).toBe(1);
    resolve();
  });

  test("ControlLine drops the oldest beyond 10,000 alerts without control, counts them, and holds nobody up", async () => {
    const path = join(folder, "c.sock");
    using line = new ControlLine(path, "p");
    for (let i = 0; i < 10_010; i++) await line.alert(numbered(i));
    expect(line.dropped).toBe(11);
    const { socket, alerts } = await control(path);
    using _ = socket;
    await until(() => alerts.length === 9999);
    expect([alerts[0]!.update, alerts.at(-1)!.update]).toEqual([11, 10_009]);
  });

  test("ControlLine that closes waits until control has all alerts", async () => {
    const path = join(folder, "d.sock");
    const { socket, alerts } = await control(path);
    using _ = socket;
    using line = new ControlLine(path, "p");
    await line.task;
    for (let i = 0; i < 3000; i++) void line.alert(numbered(i));
    await line.close(5000);
    expect(alerts).toHaveLength(3000);
  });
});

describe("ControlSocket", () => {
  test.each([
    ["a process that is not known", '{"kind":"hello","name":"other","pid":1}\n'],
    ["one that does not say who it is", '{"kind":"ready"}\n'],
    ["one that speaks no JSON", "GET / HTTP/1.1\r\n\r\n"],
  ])("ControlSocket hangs up on %s", async (_what, text) => {
    const path = join(folder, "e.sock");
    const { socket, reports } = await control(path);
    using _ = socket;
    const client = connect(path);
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.write(text);
    await closed;
    expect(reports).toEqual([]);
  });

  test("ControlSocket says where it cannot listen", async () => {
    await expect(control("/none/x.sock")).rejects.toThrow(/^\/none\/x.sock: /);
  });
});
