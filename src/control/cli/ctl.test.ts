// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SendResult } from "../../core/exporter.ts";
import { serveSocket } from "../api/serve.ts";
import { TestApi } from "../api/testing/fixtures.ts";
import { TestAuth } from "../auth/testing/auth.ts";
import { RevisedConfig } from "../config/control.ts";
import { Revisions } from "../config/revisions.ts";
import { queuePath, socketPath } from "../data-folder.ts";
import { Delivery } from "../delivery/delivery.ts";
import { MAIN } from "./testing/command-line.ts";

const accounts = new TestAuth();
const data = accounts.folder.path;
let answer: SendResult = { accepted: 1 };
const sink = { send: async () => answer, close: async () => {} };
const delivery = Delivery.start(queuePath(data), [{ name: "siem", sink }]);
const revisions = new Revisions(":memory:");
const config = new RevisedConfig(revisions, {
  reload: async () => ({ restarted: ["detectors"], pending: ["api.port: a restart\u001b[2J"] }),
});
const api = new TestApi([], { auth: accounts.auth, delivery, config });
let socket: Disposable;

beforeAll(() => {
  socket = serveSocket(api.app, socketPath(data));
});
afterAll(async () => {
  socket[Symbol.dispose]();
  await delivery.close();
  revisions[Symbol.dispose]();
  api[Symbol.dispose]();
  accounts[Symbol.dispose]();
});

async function ctl(args: readonly string[], input = "", folder = data) {
  const child = Bun.spawn([process.execPath, MAIN, "ctl", ...args, "--data", folder], {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

describe("nemean ctl", () => {
  test("its socket is for owner and group alone", () => {
    expect(statSync(socketPath(data)).mode & 0o777).toBe(0o660);
  });

  test("status tells what runs, with names from outside escaped, and as JSON", async () => {
    const { code, out } = await ctl(["status"]);
    expect(code).toBe(0);
    expect(out).toStartWith("ok, up for 12 s, 1 alerts\n");
    expect(out).toContain("tap0: 100 packets, 10 flows, 5 of them now, 2 packets dropped, up\n");
    expect(out).toContain("vportscan: 10 flow records\n");
    expect(out).not.toContain('a"b\\c\nd');
    expect(JSON.parse((await ctl(["status", "--json"])).out).health.status).toBe("ok");
  });

  test("sink-test says whether the receiver has the alert", async () => {
    expect(await ctl(["sink-test", "siem"])).toMatchObject({
      code: 0,
      err: "siem has the test alert\n",
    });
    answer = { accepted: 0, failure: "connection refused" };
    expect(await ctl(["sink-test", "siem"])).toMatchObject({
      code: 69,
      err: "siem: connection refused\n",
    });
    expect((await ctl(["sink-test", "nix"])).err).toContain("No such sink");
    expect((await ctl(["sinks"])).out).toContain("siem: idle, 0 delivered, 0 wait");
  });

  test("user-add makes a user by a password that no process list shows", async () => {
    const added = await ctl(["user-add", "root", "admin"], "correct horse battery\n");
    expect(added).toMatchObject({ code: 0, err: "root may log in\n" });
    expect((await ctl(["users"])).out).toBe("root  admin\n");
    const { code, err } = await ctl(["user-add", "two", "admin"], "short\n");
    expect([code, err]).toEqual([64, expect.stringContaining("password: ")]);
    expect(accounts.auth.audit.page().items[0]).toMatchObject({
      action: "user.create",
      actor: "(local)",
    });
  });

  test("says that nothing runs with another data folder", async () => {
    const { code, err } = await ctl(["status"], "", join(data, "none"));
    expect(code).toBe(69);
    expect(err).toContain("nothing runs with the data folder");
  });
});

describe("nemean ctl config", () => {
  const fileOf = (name: string, text: string): string => {
    const path = join(data, name);
    writeFileSync(path, `[[sources]]\ninterface = "tap0"\n${text}`);
    return path;
  };
  const first = fileOf("first.toml", "");
  const second = fileOf("second.toml", "[meter]\r\nidle = 60\n");
  const wrong = fileOf("wrong.toml", '[meter]\nidel = "\u009b2J"\n');

  test("apply tells what changes, what was restarted and what waits, and rollback takes it back", async () => {
    expect((await ctl(["config", "show"])).err).toContain("None was applied");
    expect((await ctl(["config", "rollback"])).err).toContain("no revision before");
    expect((await ctl(["config", "apply", first])).code).toBe(0);
    const applied = await ctl(["config", "apply", second, "--reason", "slow\u001b", "--from", "1"]);
    expect(applied).toEqual({
      code: 0,
      out: "meter.idle: 30 -> 60\nrestarted detectors\nwaits: api.port: a restart\\x1b[2J\n",
      err: "revision 2 is in force\n",
    });
    const stale = await ctl(["config", "apply", first, "--from", "1"]);
    expect(stale).toMatchObject({ code: 64, err: expect.stringContaining("revision 2 is in") });
    expect((await ctl(["config", "diff", "1"])).out).toBe("meter.idle: 60 -> 30\n");
    const back = await ctl(["config", "rollback", "--json"]);
    expect(JSON.parse(back.out)).toMatchObject({ revision: 3, restarted: ["detectors"] });
    const { out } = await ctl(["config", "list"]);
    expect(out.trim().split("\n")).toEqual([
      expect.stringMatching(/^3 {2}\d{4}-\S+Z {2}rollback to 1$/),
      expect.stringMatching(/^2 {2}\S+ {2}slow\\x1b$/),
      expect.stringMatching(/^1 {2}\S+ {2}apply .*first\.toml$/),
    ]);
    expect((await ctl(["config", "show", "2"])).out).toContain("[meter]\r\nidle = 60\n");
    expect((await ctl(["config", "show", "9"])).code).toBe(64);
    expect(accounts.auth.audit.page().items[0]).toMatchObject({
      action: "config.rollback",
      actor: "(local)",
    });
  });

  test("check, diff and apply say what is wrong with a file, a line each, and change nothing", async () => {
    for (const verb of ["check", "diff", "apply"]) {
      const { code, err } = await ctl(["config", verb, wrong]);
      expect([verb, code]).toEqual([verb, 78]);
      expect(err).toContain(`${wrong}:4:1: [meter] has no "idel"; did you mean idle?`);
      expect(err).not.toContain("\u009b");
    }
    const { code, out } = await ctl(["config", "check", wrong, "--json"]);
    expect([code, JSON.parse(out).problems]).toMatchObject([78, [{ line: 4, column: 1 }]]);
    const same = await ctl(["config", "check", first]);
    expect(same).toMatchObject({ code: 0, out: "no setting changes\n" });
    expect(revisions.list()).toHaveLength(3);
    expect((await ctl(["config", "check", "no such file"])).code).toBe(66);
  });
});

test("the local socket is no user: it has no session, password or tokens", async () => {
  const ask = (path: string) => fetch(`http://localhost${path}`, { unix: socketPath(data) });
  expect((await ask("/api/v1/users")).status).toBe(200);
  for (const path of ["/api/v1/session", "/api/v1/tokens"])
    expect((await ask(path)).status).toBe(403);
});
