// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { testDetector } from "../core/testing/detector-kit.ts";
import { testGolden } from "../core/testing/golden.ts";
import { Play, play } from "../core/testing/play.ts";
import type { Row } from "../core/testing/run-module.ts";
import { sharedPath } from "../core/testing/shared.ts";
import { ListFolder } from "../core/threat-list/testing/list-folder.ts";
import { SECOND } from "../core/unirec/time.ts";
import urlblacklist from "./urlblacklist.ts";

const START = 1_704_067_200 * SECOND;
const folder = new ListFolder();
afterAll(() => folder.remove());

folder.write(
  "url.blist",
  "evil.example\\1",
  "phish.example/login/a.php\\6",
  "drop.example/x.exe?id=7\\2",
);
const config = folder.write(
  "conf.xml",
  '<configuration><struct name="main struct">',
  `<element name="blacklist_file">${folder.path}/url.blist</element>`,
  "</struct></configuration>",
);

/** A request by 10.0.0.5, one a minute. */
const request = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.5",
  DST_IP: "192.0.2.80",
  SRC_PORT: 40_000 + i,
  DST_PORT: 80,
  PROTOCOL: 6,
  PACKETS: 6,
  PACKETS_REV: 5,
  BYTES: 600,
  BYTES_REV: 9000,
  HTTP_REQUEST_HOST: "phish.example",
  HTTP_REQUEST_URL: "/login/a.php",
  TIME_FIRST: START + i * 60 * SECOND,
  TIME_LAST: START + (i * 60 + 1) * SECOND,
  ...more,
});
const requests = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => request(i, more));

testDetector(urlblacklist, {
  alert: requests(9),
  quiet: ["/login", "/login/a.php/b", "/", "/x?/login/a.php"].flatMap((url) =>
    requests(9, { HTTP_REQUEST_URL: url }),
  ),
  // Hosts that ask once: an event would take two.
  other: (i) => request(0, { SRC_IP: `10.1.${i >>> 8}.${i & 255}` }),
  params: { config, flowsMin: 2 },
  small: { contactsMax: 16 },
  evicted: "contacts_evicted",
  stateMax: 12_000_000,
  compat: {
    // Nothing is remembered, so nothing has to make room: a counter that is never 0 stands in.
    other: (i) => request(0, { HTTP_REQUEST_URL: `/${i}` }),
    evicted: "list_entries",
  },
});

testGolden("urlblacklist", urlblacklist, {
  basic: { config: sharedPath("golden/detectors/urlblacklist/conf.xml") },
});

describe("urlblacklist", () => {
  const malware = folder.write(
    "malware.txt",
    "http://drop.example/x.exe?id=7",
    "http://evil.example/",
  );
  const phish = folder.write(
    "phish.txt",
    "https://phish.example/login/a.php",
    "http://drop.example/x.exe",
  );
  const lists = `malware=${malware};severity=9,phish=${phish};severity=5`;
  const found = (host: string, url: string, more: Row = {}) =>
    play(urlblacklist, [request(0, { HTTP_REQUEST_HOST: host, HTTP_REQUEST_URL: url, ...more })], {
      params: { lists },
    });

  test("urlblacklist names host, URL, list and sums, and shows what was asked", () => {
    const rows = [
      ...requests(2),
      request(2, { HTTP_REQUEST_URL: "/Login/A.php?u=1", HTTP_RESPONSE_STATUS_CODE: 200 }),
    ];
    const { alerts, out } = play(urlblacklist, rows, { params: { lists, flowsMin: 3 } });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_120,
      title: "Request for a listed URL",
      key: "urlblacklist:10.0.0.5>phish.example/login/a.php",
      reason:
        "10.0.0.5 asked for phish.example/login/a.php, which is on the list phish: 3 flows (limit 3)",
      severity: 5,
      observed: 3,
      threshold: 3,
      source: { ip: "10.0.0.5" },
      target: { ip: "192.0.2.80" },
    });
    expect(alerts[0]!.evidence.at(-1)).toMatchObject({
      HTTP_REQUEST_URL: "/Login/A.php?u=1",
      HTTP_RESPONSE_STATUS_CODE: 200,
    });
    expect(out["alerts"]).toMatchObject([
      { BLACKLIST: 2, HTTP_REQUEST_HOST: "phish.example", HTTP_REQUEST_URL: "/login/a.php" },
    ]);
  });

  test.each([
    ["evil.example", "/"],
    ["WWW.evil.example.", "/"],
    ["evil.example:80", "/?any=query"],
    ["evil.example", "/./x/../"],
    ["", "http://evil.example"],
    ["proxy.example:3128", "http://phish.example/lo%67in/a.php/"],
  ])("urlblacklist finds the request to %p for %p", (host, url) => {
    expect(found(host, url).alerts).toHaveLength(1);
  });

  test.each([
    ["evil.example", "/other"],
    ["evil.example:8080", "/"],
    ["phish.example", "/login"],
    ["xevil.example", "/"],
    ["", "/login/a.php"],
    ["", ""],
  ])("urlblacklist keeps quiet about the request to %p for %p", (host, url) => {
    expect(found(host, url).alerts).toEqual([]);
  });

  test("urlblacklist joins the lists of a URL with its query and without", () => {
    expect(found("drop.example", "/x.exe?id=7").out["alerts"]).toMatchObject([{ BLACKLIST: 3 }]);
    expect(found("drop.example", "/x.exe?id=8").out["alerts"]).toMatchObject([{ BLACKLIST: 2 }]);
    expect(found("drop.example", "/x.exe?id=7").alerts).toMatchObject([{ severity: 9 }]);
  });

  test("urlblacklist names a URL that is longer than it keeps by its beginning", () => {
    const long = `http://long.example/${"a".repeat(600)}`;
    const path = folder.write("long.txt", long);
    const row = request(0, { HTTP_REQUEST_HOST: "long.example", HTTP_REQUEST_URL: long.slice(19) });
    const [alert] = play(urlblacklist, [row], { params: { lists: path } }).alerts;
    expect(alert!.key).toBe(`urlblacklist:10.0.0.5>${long.slice(7, 7 + 255)}`);
  });

  test("urlblacklist takes a new list in the middle of a stream", () => {
    const path = folder.write("swap.txt", "http://other.example/");
    const played = new Play(urlblacklist, { params: { lists: path } }).rows([request(0)]);
    folder.write("swap.txt", "http://phish.example/login/a.php");
    played.runner.ask();
    expect(played.rows([request(1)]).end().alerts).toMatchObject([{ observed: 1 }]);
  });

  test("urlblacklist without lists looks nothing up, and its counters say so", () => {
    const { alerts, runner } = play(urlblacklist, requests(9));
    expect([alerts, runner.counters.get("lists")]).toEqual([[], 0]);
  });

  test("urlblacklist in compat mode misses what the original misses, and without a file all", () => {
    const hosts = ["WWW.evil.example", "evil.example.", "www.evil.example"];
    const rows = hosts.map((host, i) =>
      request(i, { HTTP_REQUEST_HOST: host, HTTP_REQUEST_URL: "/" }),
    );
    const { out } = play(urlblacklist, rows, { params: { compat: "nemea", config } });
    expect(out["alerts"]!.map((record) => record["HTTP_REQUEST_HOST"])).toEqual([
      "www.evil.example",
    ]);
    expect(play(urlblacklist, rows, { params: { compat: "nemea" } }).alerts).toEqual([]);
  });
});
