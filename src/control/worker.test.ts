// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { alertOfJson } from "./alert-json.ts";
import type { PipelinePlan } from "./pipeline-run.ts";
import { startWorker, type WorkerMessage } from "./worker.ts";

/** Generated traffic in which each host that tries two ports is told, at each doubling. */
const plan: PipelinePlan = {
  source: { kind: "generator", traffic: { seed: 3, seconds: 40, scale: 0.2 } },
  modules: [{ name: "vportscan", params: { portsMax: 2 } }],
  sensor: "test",
};
const task = { kind: "pipeline", plan } as const;

/** Kinds of messages in their order, each run of equal ones once. */
const kinds = (messages: readonly WorkerMessage[]): string[] =>
  messages.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1]);

async function run(pendingMax?: number, onMessage: (message: WorkerMessage) => void = () => {}) {
  const messages: WorkerMessage[] = [];
  const worker = startWorker(
    task,
    (message) => {
      messages.push(message);
      onMessage(message);
    },
    pendingMax,
  );
  return { messages, failure: await worker.ended };
}

const alertsOf = (messages: readonly WorkerMessage[]) =>
  messages.flatMap((message) => (message.kind === "alert" ? [alertOfJson(message.text)] : []));

test("startWorker runs a pipeline: ready, snapshots and alerts, the last look, the end", async () => {
  const { messages, failure } = await run();
  expect(failure).toBeUndefined();
  expect(kinds(messages)[0]).toBe("ready");
  expect(kinds(messages).slice(-2)).toEqual(["snapshot", "ended"]);
  const alerts = alertsOf(messages);
  expect(alerts.length).toBeGreaterThan(5);
  expect(messages.at(-2)).toMatchObject({ snapshot: { finished: true, alerts: alerts.length } });
});

test("startWorker's Worker waits for a slow parent and loses no alert", async () => {
  const all = alertsOf((await run()).messages);
  const slow = await run(1, (message) => {
    if (message.kind === "alert") Bun.sleepSync(2);
  });
  expect(alertsOf(slow.messages).map(({ key, update }) => [key, update])).toEqual(
    all.map(({ key, update }) => [key, update]),
  );
  expect(slow.failure).toBeUndefined();
});

test("startWorker's Worker that waits for its parent still ends when it is told to stop", async () => {
  let told = false;
  const worker = startWorker(
    task,
    ({ kind }) => {
      if (kind !== "alert" || told) return;
      told = true;
      worker.stop();
    },
    1,
  );
  expect([await worker.ended, told]).toEqual([undefined, true]);
});

test("startWorker gives an operator's error with its exit code", async () => {
  const bad = { ...plan, flows: "/dev/null/flows.csv" };
  const worker = startWorker({ kind: "pipeline", plan: bad }, () => {});
  expect(await worker.ended).toEqual({
    message: expect.stringMatching(/^cannot write \/dev\/null\/flows.csv: /),
    exitCode: 73,
  });
});

test("startWorker tells of a Worker that was ended from outside", async () => {
  const messages: string[] = [];
  const worker = startWorker(task, ({ kind }) => void messages.push(kind));
  worker.terminate();
  expect(await worker.ended).toEqual({ message: "the pipeline Worker is gone", exitCode: 70 });
});
