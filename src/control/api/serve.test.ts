// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertOf } from "../store/testing/alerts.ts";
import { certificateIn } from "./certificate.ts";
import { serve } from "./serve.ts";
import { TestApi } from "./testing/fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NAMES = ["localhost", "127.0.0.1", "::1", "tap.example"];

/** What a client gets that trusts this certificate and calls the server by a name. */
async function get(
  url: string,
  { ca, host, origin }: { ca: string; host: string; origin?: string },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { host, ...(origin === undefined ? {} : { origin }) };
  const sent = request(url, { ca, headers, servername: "tap.example" }, (answer) => {
    answer.resume();
    resolve(answer.statusCode ?? 0);
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

describe("API over TLS", () => {
  const at = join(folder, "served");

  test("answers to its names by TLS, and to no other name or scheme", async () => {
    using api = new TestApi([alertOf()], { reach: { hosts: ["Tap.Example"], secure: true } });
    const tls = certificateIn(at, NAMES);
    using served = serve(api.app, { hostname: "127.0.0.1", port: 0, tls });
    expect(served.url).toStartWith("https://");
    const ca = tls.cert;
    const { port } = new URL(served.url);
    const health = `${served.url}healthz`;
    const host = `tap.example:${port}`;
    const served200 = await get(health, { ca, host });
    expect(served200).toBe(200);
    expect(await get(health, { ca, host: "evil.example" })).toBe(403);
    expect(await get(health, { ca, host, origin: `https://${host}` })).toBe(200);
    expect(await get(health, { ca, host, origin: `http://${host}` })).toBe(403);
    const foreign = certificateIn(join(folder, "foreign"), NAMES);
    expect(get(health, { ca: foreign.cert, host })).rejects.toThrow("self");
  });

  test("shows alerts to nobody before there is an account", async () => {
    using near = new TestApi([alertOf()]);
    expect((await near.ask("/api/v1/alerts")).status).toBe(200);
    using far = new TestApi([alertOf()], { reach: { hosts: ["tap.example"], secure: true } });
    expect((await far.ask("/api/v1/alerts")).status).toBe(403);
  });

  test("is what an address needs that others can reach", () => {
    using api = new TestApi();
    expect(() => serve(api.app, { hostname: "0.0.0.0", port: 0 })).toThrow("api.tls = true");
    const tls = certificateIn(at, NAMES);
    using served = serve(api.app, { hostname: "0.0.0.0", port: 0, tls });
    expect(served.url).toStartWith("https://");
  });
});
