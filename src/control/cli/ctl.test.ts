// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { SendResult } from "../../core/exporter.ts";
import { serveSocket } from "../api/serve.ts";
import { TestApi } from "../api/testing/fixtures.ts";
import { TestAuth } from "../auth/testing/auth.ts";
import { queuePath, socketPath } from "../data-folder.ts";
import { Delivery } from "../delivery/delivery.ts";
import { MAIN } from "./testing/command-line.ts";

const accounts = new TestAuth();
const data = accounts.folder.path;
let answer: SendResult = { accepted: 1 };
const sink = { send: async () => answer, close: async () => {} };
const delivery = Delivery.start(queuePath(data), [{ name: "siem", sink }]);
const api = new TestApi([], { auth: accounts.auth, delivery });
let socket: Disposable;

beforeAll(() => {
  socket = serveSocket(api.app, socketPath(data));
});
afterAll(async () => {
  socket[Symbol.dispose]();
  await delivery.close();
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

test("the local socket is no user: it has no session, password or tokens", async () => {
  const ask = (path: string) => fetch(`http://localhost${path}`, { unix: socketPath(data) });
  expect((await ask("/api/v1/users")).status).toBe(200);
  for (const path of ["/api/v1/session", "/api/v1/tokens"])
    expect((await ask(path)).status).toBe(403);
});
