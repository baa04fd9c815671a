// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { TestAuth } from "../auth/testing/auth.ts";
import { RevisedConfig } from "../config/control.ts";
import { Revisions } from "../config/revisions.ts";
import { SCHEMAS } from "./schemas.ts";
import { TestApi } from "./testing/fixtures.ts";
import { schemaErrors } from "./testing/json-schema.ts";

const body = (idle: number): string => `[[sources]]\ninterface = "tap0"\n[meter]\nidle = ${idle}\n`;

/** An API with a configuration, and a way to ask it with a token of one scope. */
class ConfigApi implements Disposable {
  readonly #accounts = new TestAuth();
  readonly #revisions = new Revisions(":memory:");
  readonly auth = this.#accounts.auth;
  readonly #api = new TestApi([], {
    auth: this.auth,
    config: new RevisedConfig(this.#revisions, {
      reload: async () => ({ restarted: ["detectors"], pending: ["api.port: control"] }),
    }),
  });
  readonly #root = this.auth.users.insert("root", "admin", "x");

  async ask(path: string, sent?: unknown, scope = "write:config") {
    const wish = { name: scope, scopes: [scope], expires: null };
    const { token } = this.auth.tokens.create(this.#root, wish);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const method = sent === undefined ? "GET" : "POST";
    const response = await this.#api.ask(`/api/v1/config${path}`, {
      method,
      headers,
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
    return { status: response.status, answer: (await response.json()) as any };
  }

  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
    this.#revisions[Symbol.dispose]();
    this.#accounts[Symbol.dispose]();
  }
}

const told = (schema: string, answer: unknown): string[] => schemaErrors(answer, SCHEMAS[schema]!);

test("a configuration is applied, shown, changed and rolled back, and the audit log has who", async () => {
  using api = new ConfigApi();
  expect((await api.ask("", undefined, "read:config")).status).toBe(404);
  const { answer } = await api.ask("/apply", { body: body(30), reason: "first" });
  expect(told("ConfigApplied", answer)).toEqual([]);
  expect(answer).toMatchObject({
    revision: 1,
    restarted: ["detectors"],
    pending: ["api.port: control"],
  });
  const changed = await api.ask("/apply", { body: body(60), revision: 1 });
  expect(changed.answer).toMatchObject({ revision: 2, changes: ["meter.idle: 30 -> 60"] });
  const back = await api.ask("/rollback", { revision: 1 });
  expect(back.answer).toMatchObject({ revision: 3, changes: ["meter.idle: 60 -> 30"] });

  const shown = await api.ask("", undefined, "read:config");
  expect(told("Config", shown.answer)).toEqual([]);
  expect(shown.answer).toMatchObject({ revision: 3, body: body(30), reason: "rollback to 1" });
  const list = await api.ask("/revisions", undefined, "read:config");
  expect(told("ConfigRevisions", list.answer)).toEqual([]);
  expect(list.answer.items.map(({ reason }: { reason: string }) => reason)).toEqual([
    "rollback to 1",
    "apply",
    "first",
  ]);
  const old = await api.ask("/revisions/2", undefined, "read:config");
  expect(old.answer).toMatchObject({ revision: 2, body: body(60) });
  const entries = api.auth.audit.page().items;
  expect(entries.map(({ actor, action, target }) => [actor, action, target])).toEqual([
    ["root", "config.rollback", "3"],
    ["root", "config.apply", "2"],
    ["root", "config.apply", "1"],
  ]);
});

test("a configuration with mistakes is refused with the place of each, and nothing is changed", async () => {
  using api = new ConfigApi();
  const wrong = { body: `${body(30)}idel = 3\n` };
  const { status, answer } = await api.ask("/apply", wrong);
  expect([status, told("Problem", answer)]).toEqual([422, []]);
  expect(answer.errors).toEqual([
    { line: 5, column: 1, message: expect.stringContaining('no "idel"; did you mean idle?') },
  ]);
  const checked = await api.ask("/check", wrong, "control");
  expect([checked.status, told("ConfigCheck", checked.answer)]).toEqual([200, []]);
  expect(checked.answer.problems).toEqual(answer.errors);
  const worse = { body: Array.from({ length: 5000 }, (_, i) => `x${i} = 1\n`).join("") };
  expect((await api.ask("/check", worse, "control")).answer.problems).toHaveLength(100);
  expect((await api.ask("", undefined, "read:config")).status).toBe(404);
  expect(api.auth.audit.page().items).toEqual([]);
});

test("a configuration is refused that was made from one that is not in force any more", async () => {
  using api = new ConfigApi();
  await api.ask("/apply", { body: body(30) });
  const both = [60, 90].map((idle) => api.ask("/apply", { body: body(idle), revision: 1 }));
  const [first, second] = await Promise.all(both);
  expect([first!.status, second!.status]).toEqual([200, 409]);
  expect(second!.answer.detail).toBe("made from revision 1, but revision 2 is in force");
});

test("a revision that there is not is 404, and a text that is too long 413 or 400", async () => {
  using api = new ConfigApi();
  expect((await api.ask("/rollback", { revision: 7 })).status).toBe(404);
  for (const id of ["7", "0", "x", "1.5", "__proto__"])
    expect((await api.ask(`/revisions/${id}`, undefined, "read:config")).status).toBe(404);
  expect((await api.ask("/check", { body: "#".repeat(65_537) }, "control")).status).toBe(400);
  expect((await api.ask("/check", { body: "#".repeat(140_000) }, "control")).status).toBe(413);
  // Each line break is two characters of JSON.
  const lines = await api.ask("/check", { body: "\n".repeat(65_536) }, "control");
  expect(lines.status).toBe(200);
});

test("a configuration is for who may read it, and is changed by who may write it", async () => {
  using api = new ConfigApi();
  for (const path of ["", "/revisions", "/revisions/1"])
    expect((await api.ask(path, undefined, "read:alerts")).status).toBe(403);
  for (const path of ["/apply", "/rollback"])
    for (const scope of ["control", "read:config"])
      expect((await api.ask(path, { body: body(30), revision: 1 }, scope)).status).toBe(403);
});
