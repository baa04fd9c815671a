// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Alert } from "../../core/alert.ts";
import type { SendResult, Sink } from "../../core/exporter.ts";
import { TestAuth } from "../auth/testing/auth.ts";
import { Delivery } from "../delivery/delivery.ts";
import { alertOf } from "../store/testing/alerts.ts";
import { TestApi } from "./testing/fixtures.ts";

class Receiver implements Sink {
  readonly taken: Alert[] = [];
  answer: SendResult | undefined;

  async send(alerts: readonly Alert[]): Promise<SendResult> {
    if (this.answer) return this.answer;
    this.taken.push(...alerts);
    return { accepted: alerts.length };
  }

  async close(): Promise<void> {}
}

test("sinks show how far they have got, take a test alert, and say why they wait", async () => {
  using accounts = new TestAuth();
  const receiver = new Receiver();
  const queue = join(accounts.folder.path, "delivery.sqlite");
  const delivery = Delivery.start(queue, [{ name: "siem", sink: receiver }]);
  const { auth } = accounts;
  using api = new TestApi([], { auth, delivery });
  const id = auth.users.insert("root", "admin", "x");
  const scopes = ["read:config", "control", "read:alerts"];
  const { token } = auth.tokens.create(id, { name: "ops", scopes, expires: null });
  const headers = { authorization: `Bearer ${token}` };

  const tested = await api.ask("/api/v1/sinks/siem/test", { method: "POST", headers });
  expect(await tested.json()).toEqual({ accepted: 1 });
  expect(receiver.taken[0]).toMatchObject({ category: "Test", severity: 0 });
  expect((await api.ask("/api/v1/sinks/nix/test", { method: "POST", headers })).status).toBe(404);

  receiver.answer = { accepted: 0, failure: "connection refused" };
  delivery.put(alertOf());
  await delivery.committed();
  const end = Date.now() + 5000;
  while (delivery.stats().sinks[0]!.state !== "waiting" && Date.now() < end) await Bun.sleep(5);
  const { items } = (await (await api.ask("/api/v1/sinks", { headers })).json()) as {
    items: unknown;
  };
  expect(items).toMatchObject([
    { name: "siem", waiting: 1, state: "waiting", lastError: "connection refused" },
  ]);
  const health = await api.json("/healthz");
  expect(health.reasons).toContain("sink siem: connection refused; 1 alerts wait");
  const metrics = await (await api.ask("/metrics", { headers })).text();
  expect(metrics).toContain('nemean_sink_waiting_alerts{sink="siem"} 1');
  expect(await (await api.ask("/api/v1/sinks/siem/dead-letters", { headers })).json()).toEqual({
    items: [],
  });
  await delivery.close();
});
