// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AlertStore } from "./alert-store.ts";
import { alertOf } from "./testing/alerts.ts";

const said = (status: "muted" | "acknowledged" | "new", note = "") => ({
  status,
  note,
  by: "root",
  at: 7,
});

test("AlertStore keeps what was made of an event beside it, in pages too, over a restart", () => {
  const folder = mkdtempSync(join(tmpdir(), "nemean-triage-"));
  const path = join(folder, "a.sqlite");
  const alert = alertOf();
  {
    using store = new AlertStore(path);
    store.put(alert);
    store.flush();
    expect(store.get(alert.id)).not.toHaveProperty("triage");
    expect(store.triage(alert.id, said("acknowledged"))).toBe(true);
    expect(store.triage(alert.id, said("muted", "our scanner"))).toBe(true);
    expect(store.triage("none", said("muted"))).toBe(false);
    expect(store.isMuted(alert.id)).toBe(true);
  }
  using store = new AlertStore(path);
  expect(store.isMuted(alert.id)).toBe(true);
  expect(store.page().items).toMatchObject([{ triage: said("muted", "our scanner") }]);
  store.put({ ...alert, update: 1 });
  store.flush();
  expect(store.get(alert.id)!.triage).toEqual(said("muted", "our scanner"));
  store.triage(alert.id, said("new"));
  expect(store.isMuted(alert.id)).toBe(false);
  rmSync(folder, { recursive: true });
});

test("AlertStore forgets what was made of an event that has left", () => {
  using store = new AlertStore(":memory:", { alertsMax: 1 });
  const first = alertOf({ id: Bun.randomUUIDv7() });
  store.put(first);
  store.flush();
  store.triage(first.id, said("acknowledged"));
  store.put(alertOf({ id: Bun.randomUUIDv7() }));
  store.flush();
  expect(store.get(first.id)).toBeUndefined();
  expect(store.triage(first.id, said("acknowledged"))).toBe(false);
});
