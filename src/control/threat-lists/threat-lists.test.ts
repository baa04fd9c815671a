// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Definition, fileNameOf, readDefinitions } from "./definitions.ts";
import { fetchList } from "./fetch-list.ts";
import { isPublic } from "./public-address.ts";
import { FetchedLists } from "./update.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-fetched-"));

/** What the server answers next, by path, and what it was asked. */
let answers: Record<string, (request: Request) => Response | Promise<Response>> = {};
const asked: { readonly path: string; readonly headers: Headers }[] = [];
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const path = new URL(request.url).pathname;
    asked.push({ path, headers: new Headers(request.headers) });
    return answers[path]?.(request) ?? new Response("", { status: 404 });
  },
});
afterAll(async () => {
  await server.stop(true);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  answers = {};
  asked.length = 0;
});

const list = (more: Partial<Definition> = {}): Definition => ({
  name: "feodo",
  url: new URL(`http://lists.example:${server.port}/feodo.txt`),
  kind: "ip",
  format: "plain",
  interval: 3600,
  sizeMax: 1e6,
  insecure: true,
  internal: true,
  ...more,
});
const at = (path: string): URL => new URL(`http://lists.example:${server.port}${path}`);
/** All names lead to the server. */
const resolve = async () => [{ address: "127.0.0.1", family: 4 }];

describe("isPublic", () => {
  test.each(["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])(
    "isPublic takes %s for a host of the Internet",
    (address) => expect(isPublic(address)).toBe(true),
  );

  test.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "2001::1",
    "2001:db8::1",
    "x",
  ])("isPublic refuses %s", (address) => expect(isPublic(address)).toBe(false));
});

describe("fetchList", () => {
  const failure = (definition: Definition, options = {}): Promise<string> =>
    fetchList(definition, {}, { resolve, ...options }).then(
      () => "fetched",
      (error: Error) => error.message,
    );

  test("fetchList brings the body, and asks later whether there is another", async () => {
    answers["/feodo.txt"] = (request) =>
      request.headers.get("if-none-match") === '"one"'
        ? new Response(null, { status: 304 })
        : new Response("203.0.113.7\n", {
            headers: { etag: '"one"', "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT" },
          });
    const first = await fetchList(list(), {}, { resolve });
    expect(first.body!.toString()).toBe("203.0.113.7\n");
    const { body, ...known } = await fetchList(list(), first, { resolve });
    expect([body, known.etag]).toEqual([undefined, '"one"']);
    expect(asked[1]!.headers.get("if-modified-since")).toBe("Mon, 01 Jan 2024 00:00:00 GMT");
    expect(asked[0]!.headers.get("host")).toBe(`lists.example:${server.port}`);
  });

  test("fetchList goes to no address within, unless the list may, and then to its own host only", async () => {
    answers["/feodo.txt"] = () => new Response("203.0.113.7\n");
    expect(await failure(list({ internal: false }))).toContain(
      "lists.example is at 127.0.0.1, which is no public address",
    );
    expect(await failure(list({ internal: false, url: new URL("http://127.0.0.1/") }))).toContain(
      "no public address",
    );
    const mixed = async () => [
      { address: "8.8.8.8", family: 4 },
      { address: "::1", family: 6 },
    ];
    expect(await failure(list({ internal: false }), { resolve: mixed })).toContain("is at ::1");
    answers["/feodo.txt"] = () => Response.redirect(`http://metadata.example:${server.port}/x`);
    answers["/x"] = () => new Response("203.0.113.7\n");
    expect(await failure(list())).toContain("metadata.example is at 127.0.0.1");
    expect(asked.map(({ path }) => path)).toEqual(["/feodo.txt"]);
  });

  test("fetchList connects to the address that it looked at, whatever the name leads to afterwards", async () => {
    answers["/feodo.txt"] = () => new Response("203.0.113.7\n");
    let times = 0;
    const rebinding = async () => [
      { address: times++ === 0 ? "127.0.0.1" : "192.0.2.1", family: 4 },
    ];
    const { body } = await fetchList(list(), {}, { resolve: rebinding });
    expect([body!.length, times]).toEqual([12, 1]);
  });

  test("fetchList leaves HTTPS for HTTP only where it may, and never for anything else", async () => {
    expect(await failure(list({ insecure: false }))).toContain("is not HTTPS");
    answers["/feodo.txt"] = () =>
      new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } });
    expect(await failure(list())).toContain("is not HTTPS");
  });

  test("fetchList follows redirects, and not for ever", async () => {
    answers["/feodo.txt"] = () =>
      new Response(null, { status: 307, headers: { location: "/b.txt" } });
    answers["/b.txt"] = () => new Response("203.0.113.7\n");
    expect(await failure(list())).toBe("fetched");
    answers["/b.txt"] = answers["/feodo.txt"];
    expect(await failure(list())).toBe("more than 5 redirects");
    answers["/feodo.txt"] = () => new Response(null, { status: 302 });
    expect(await failure(list())).toContain("redirects to");
  });

  test("fetchList takes no more than it may, in size and time", async () => {
    answers["/feodo.txt"] = () => new Response("x".repeat(2_000_000));
    expect(await failure(list())).toBe("longer than 1 MB");
    answers["/feodo.txt"] = () => new Promise(() => {});
    expect(await failure(list(), { timeout: 50 })).toBe("not there after 0.05 s");
    answers["/feodo.txt"] = () => new Response("", { status: 503 });
    expect(await failure(list())).toBe(`lists.example:${server.port} answered 503`);
  });
});

describe("FetchedLists", () => {
  const HOUR = 3_600_000;
  const start = 1_700_000_000_000;
  const made = (name: string): FetchedLists => new FetchedLists(join(folder, name));
  const of = (lists: FetchedLists, definition: Definition): string =>
    readFileSync(lists.path(definition), "utf8");

  test("FetchedLists puts a list in place when it is due, and keeps what is known of it", async () => {
    const lists = made("due");
    answers["/feodo.txt"] = () =>
      new Response("203.0.113.7\nbad\n203.0.113.8\n", { headers: { etag: '"1"' } });
    expect(await lists.update(list(), { now: start, resolve })).toEqual({
      name: "feodo",
      outcome: "new",
      text: '2 entries, 1 bad lines, the first: line 2: "bad" is no address',
    });
    expect(of(lists, list())).toContain("203.0.113.8");
    expect(await lists.update(list(), { now: start + HOUR - 1000, resolve })).toMatchObject({
      outcome: "due",
      text: "due in 1 s",
    });
    answers["/feodo.txt"] = () => new Response(null, { status: 304 });
    const again = made("due");
    expect(await again.update(list(), { now: start + HOUR, resolve })).toMatchObject({
      outcome: "same",
    });
    expect(asked.at(-1)!.headers.get("if-none-match")).toBe('"1"');
    expect(again.state(list())).toMatchObject({
      fetched: start,
      checked: start + HOUR,
      entries: 2,
      bad: 1,
    });
    answers["/feodo.txt"] = () => new Response("203.0.113.9\n");
    expect(
      await again.update(list(), { now: start + HOUR, isForced: true, resolve }),
    ).toMatchObject({ outcome: "new" });
    expect(existsSync(`${lists.path(list())}.new`)).toBe(false);
  });

  test("FetchedLists leaves the former list when the new one cannot be had, or is none", async () => {
    const lists = made("former");
    answers["/feodo.txt"] = () => new Response("203.0.113.7\n");
    await lists.update(list(), { now: start, resolve });
    for (const answer of ["<html><body>Not found", "", "[1,2"]) {
      answers["/feodo.txt"] = () => new Response(answer);
      expect(await lists.update(list(), { now: start + HOUR, resolve })).toMatchObject({
        outcome: "failed",
        text: expect.stringContaining("what came is no list: "),
      });
    }
    answers = {};
    const failed = await lists.update(list(), { now: start + HOUR, resolve });
    expect(failed.text).toBe(`lists.example:${server.port} answered 404; the former list stays`);
    expect(lists.state(list())).toMatchObject({
      checked: start,
      failure: expect.stringContaining("404"),
    });
    expect(of(lists, list())).toBe("203.0.113.7\n");
    expect(await made("none").update(list(), { now: start, resolve })).toMatchObject({
      text: expect.stringContaining("there is no list yet"),
    });
  });

  test("FetchedLists fetches a list as a whole when its file is gone or it comes from elsewhere", async () => {
    const lists = made("gone");
    answers["/feodo.txt"] = answers["/other.txt"] = () =>
      new Response("203.0.113.7\n", { headers: { etag: '"1"' } });
    await lists.update(list(), { now: start, resolve });
    rmSync(lists.path(list()));
    expect(await lists.update(list(), { now: start, resolve })).toMatchObject({ outcome: "new" });
    const moved = list({ url: at("/other.txt") });
    await lists.update(moved, { now: start + HOUR, resolve });
    expect(asked.map(({ headers }) => headers.get("if-none-match"))).toEqual([null, null, null]);
    writeFileSync(join(lists.folder, "state.json"), "{");
    expect(made("gone").state(list())).toBeUndefined();
  });
});

describe("readDefinitions", () => {
  const read = (text: string): Definition[] => {
    const file = join(folder, "lists.toml");
    writeFileSync(file, text);
    return readDefinitions(file);
  };
  const one = (more: string): string =>
    `[[lists]]\nname = "a"\nurl = "https://lists.example/a.csv?x=1"\nkind = "ip"\n${more}`;

  test("readDefinitions fills what is left out", () => {
    const [made] = read(one('column = "dst_ip"\n'));
    expect({ ...made, url: made!.url.href }).toEqual({
      name: "a",
      url: "https://lists.example/a.csv?x=1",
      kind: "ip",
      format: "csv",
      column: "dst_ip",
      interval: 86_400,
      sizeMax: 64e6,
      insecure: false,
      internal: false,
    });
    expect(fileNameOf(made!)).toBe("a.csv");
    expect(read("")).toEqual([]);
  });

  test.each([
    ["x = 1", "expected tables [[lists]] and nothing else, found x"],
    ["lists = 1", "expected tables [[lists]]"],
    ["[[lists]]\nname = 1", "list 1: name: expected letters"],
    ['[[lists]]\nname = "../a"', "name: expected letters"],
    [one("intervall = 3600"), 'list a: there is no "intervall"; did you mean interval?'],
    [one("interval = 10"), "interval: expected a number from 300 to 31536000"],
    [one('insecure = "yes"'), "insecure: expected true or false"],
    [one('format = "xml"'), "format: expected plain"],
    [one("column = 1"), "column: expected a text"],
    [one("").replace("https:", "http:"), "http:// can be forged on the way"],
    [
      one("").replace("https://", "https://user:pass@"),
      "url: expected https://HOST/PATH without a user",
    ],
    [one("").replace("https:", "ftp:"), "url: expected https"],
    [one("").replace('"ip"', '"mac"'), "kind: expected ip, domain, url"],
    [one("") + one(""), "two lists are called a"],
    ["[[lists]", "lists.toml: Invalid TOML"],
  ])("readDefinitions says what is wrong with %p", (text, what) => {
    expect(() => read(text)).toThrow(what);
  });
});
