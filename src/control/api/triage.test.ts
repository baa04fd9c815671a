// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { TestAuth } from "../auth/testing/auth.ts";
import { alertOf } from "../store/testing/alerts.ts";
import { TestApi } from "./testing/fixtures.ts";

test("an operator says what an event is, with a note, and the audit log has it", async () => {
  using accounts = new TestAuth();
  const { auth } = accounts;
  const alert = alertOf();
  using api = new TestApi([alert], { auth });
  auth.users.insert("root", "admin", "x");
  const id = auth.users.insert("op", "operator", "x");
  const tokenOf = (scope: string): string =>
    auth.tokens.create(id, { name: scope, scopes: [scope], expires: null }).token;
  const say = (body: unknown, scope = "write:alerts", event = alert.id) =>
    api.ask(`/api/v1/alerts/${event}`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${tokenOf(scope)}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const note = "<b>ours</b>";
  const response = await say({ status: "false-positive", note });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    id: alert.id,
    triage: { status: "false-positive", note, by: "op" },
  });
  expect(auth.audit.page().items[0]).toMatchObject({
    action: "alert.triage",
    actor: "op",
    target: alert.id,
  });
  expect((await say({ status: "done", note: "" })).status).toBe(400);
  expect((await say({ status: "muted", note: "" }, "write:alerts", "none")).status).toBe(404);
  expect((await say({ status: "muted", note: "" }, "read:alerts")).status).toBe(403);
});
