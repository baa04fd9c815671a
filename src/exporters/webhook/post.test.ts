// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { LookupAddress } from "node:dns";
import { guarded, type Post, post, type Resolve } from "./post.ts";

/** A resolver that gives each question the next of these answers, and keeps the questions. */
function resolver(...answers: string[][]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (hostname, _, callback) => {
    const addresses = answers[Math.min(asked.push(hostname), answers.length) - 1]!;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  return { resolve, asked };
}

const to = (url: string): Post => ({
  url: new URL(url),
  body: Buffer.from("{}"),
  headers: {},
  ca: undefined,
  timeoutMs: 2000,
  allowLinkLocal: false,
});

describe("post", () => {
  test("connects to the address that was looked at, and calls the host by its name", async () => {
    let host = "";
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        host = request.headers.get("host") ?? "";
        return new Response("hello", { headers: { "Retry-After": "3" } });
      },
    });
    const { resolve, asked } = resolver(["127.0.0.1"], ["169.254.169.254"]);
    const answer = await post(to(`http://hooks.example:${server.port}/`), resolve);
    expect(answer).toEqual({ status: 200, retryAfter: "3", location: undefined, text: "hello" });
    expect(asked).toEqual(["hooks.example"]);
    expect(host).toBe(`hooks.example:${server.port}`);
  });

  test("does not connect where a name has a link-local address among others", async () => {
    let requests = 0;
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(`${requests++}`),
    });
    for (const bad of ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"]) {
      const { resolve } = resolver(["127.0.0.1", bad]);
      const sent = post(to(`http://hooks.example:${server.port}/`), resolve);
      expect(sent).rejects.toThrow(`hooks.example is ${bad}: a link-local or metadata address`);
      await sent.catch(() => undefined);
    }
    expect(requests).toBe(0);
  });

  test("keeps no more of an answer than its beginning", async () => {
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("x".repeat(1_000_000), { status: 500 }),
    });
    const { status, text } = await post(to(`http://127.0.0.1:${server.port}/`));
    expect([status, text.length]).toEqual([500, 300]);
  });
});

describe("guarded", () => {
  const look = (
    all: boolean,
    resolve: Resolve,
  ): Promise<{ error: Error | null; address: string | LookupAddress[] }> =>
    new Promise((settle) => {
      guarded(resolve)("hooks.example", { all }, (error, address) => settle({ error, address }));
    });

  test("gives all addresses or the first, as it is asked", async () => {
    const addresses = ["192.0.2.1", "2001:db8::1"];
    expect(await look(false, resolver(addresses).resolve)).toEqual({
      error: null,
      address: "192.0.2.1",
    });
    expect((await look(true, resolver(addresses).resolve)).address).toEqual([
      { address: "192.0.2.1", family: 4 },
      { address: "2001:db8::1", family: 6 },
    ]);
  });

  test("hands on that there is no such name", async () => {
    const none: Resolve = (_hostname, _options, callback) => callback(new Error("ENOTFOUND"), []);
    expect((await look(true, none)).error?.message).toBe("ENOTFOUND");
  });
});
