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

test("an alert says how far it has got with each sink, and why to those who may know", async () => {
  using accounts = new TestAuth();
  const { auth } = accounts;
  const receiver = new Receiver();
  receiver.answer = { accepted: 0, refused: "192.0.2.9: field too long" };
  const queue = join(accounts.folder.path, "delivery.sqlite");
  const delivery = Delivery.start(queue, [{ name: "siem", sink: receiver }]);
  const [alert, muted] = [alertOf(), alertOf()];
  using api = new TestApi([alert, muted], { auth, delivery });
  const id = auth.users.insert("root", "admin", "x");
  const ask = async (event: string, ...scopes: string[]) => {
    const { token } = auth.tokens.create(id, { name: "t", scopes, expires: null });
    const headers = { authorization: `Bearer ${token}` };
    const response = await api.ask(`/api/v1/alerts/${event}/deliveries`, { headers });
    return response.ok ? ((await response.json()) as { items: unknown }).items : response.status;
  };
  delivery.put(alert);
  await delivery.committed();
  const end = Date.now() + 5000;
  while (delivery.stats().sinks[0]!.waiting > 0 && Date.now() < end) await Bun.sleep(5);
  expect(await ask(alert.id, "read:alerts")).toEqual([{ sink: "siem", state: "dead" }]);
  expect(await ask(alert.id, "read:alerts", "read:config")).toEqual([
    { sink: "siem", state: "dead", reason: "192.0.2.9: field too long" },
  ]);
  expect(await ask(muted.id, "read:alerts")).toEqual([{ sink: "siem", state: "unknown" }]);
  api.store.triage(muted.id, { status: "muted", note: "", by: "root", at: 0 });
  expect(await ask(muted.id, "read:alerts")).toEqual([{ sink: "siem", state: "not routed" }]);
  expect(await ask("none", "read:alerts")).toBe(404);
  await delivery.close();
});
