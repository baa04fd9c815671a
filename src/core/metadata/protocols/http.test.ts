// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Frames, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { message, streamFrames, talk } from "../testing/text-frames.ts";
import http from "./http.ts";

testProtocol(http, { capture: "http.pcap" });

const GET = message(
  "GET /a?b=1 HTTP/1.1",
  "host: example.org",
  "User-Agent:\tcurl/8 ",
  "Referer: http://example.net/",
);
const OK = message(
  "HTTP/1.1 200 OK",
  "Content-Type: text/html",
  "SERVER: nginx",
  "Set-Cookie: id=1; Path=/",
  "Set-Cookie: theme=dark",
  "Set-Cookie: nothing",
);
const FOUND = {
  HTTP_REQUEST_METHOD: "GET",
  HTTP_REQUEST_HOST: "example.org",
  HTTP_REQUEST_URL: "/a?b=1",
  HTTP_REQUEST_AGENT: "curl/8",
  HTTP_REQUEST_REFERER: "http://example.net/",
  HTTP_RESPONSE_STATUS_CODE: 200,
  HTTP_RESPONSE_CONTENT_TYPE: "text/html",
  HTTP_RESPONSE_SERVER: "nginx",
  HTTP_RESPONSE_SET_COOKIE_NAMES: "id;theme",
};

/** A row whose fields are had by name. */
type Row = Record<keyof typeof FOUND | "PACKETS" | "PACKETS_REV" | "SRC_PORT", string | number> &
  Record<"TIME_FIRST" | "TIME_LAST", unknown>;

const rows = (frames: Frames) => protocolRows(http, frames) as Row[];

test("http gives one biflow its first request and response, whatever follows on the connection", () => {
  const frames = talk([
    [0, GET],
    [1, `${OK}<html>`],
    [0, message("POST /second HTTP/1.1", "Host: other.example")],
    [1, message("HTTP/1.1 404 Not Found")],
  ]);
  const [row, ...others] = rows(frames);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ ...FOUND, PACKETS: 2, PACKETS_REV: 2 });
});

test("http puts headers together however they are split over segments", () => {
  const cut = fc.array(fc.nat({ max: GET.length - 1 }), { maxLength: 8 });
  fc.assert(
    fc.property(cut, cut, (requestCuts, responseCuts) => {
      const frames = streamFrames([
        [0, GET, requestCuts],
        [1, OK, responseCuts],
      ]);
      expect(rows(frames)[0]).toMatchObject(FOUND);
    }),
    { seed: 7, numRuns: 60 },
  );
});

test("http puts segments in order that came in another", () => {
  const [first, second, third] = streamFrames([[0, GET, [20, 40]]]);
  const found = rows([first!, third!, second!])[0];
  expect(found).toMatchObject({ HTTP_REQUEST_URL: "/a?b=1", HTTP_REQUEST_AGENT: "curl/8" });
});

test("http says what it has of a header that never ends, whole lines alone", () => {
  const part = GET.slice(0, GET.indexOf("curl"));
  const [row] = rows(talk([[0, part]]));
  expect(row).toMatchObject({ HTTP_REQUEST_HOST: "example.org", HTTP_REQUEST_AGENT: "" });
});

test("http keeps the first 4 KiB of a header", () => {
  const long = message("GET / HTTP/1.1", `Cookie: ${"x".repeat(1300)}`, `X: ${"y".repeat(1300)}`);
  const lines = ["Y: z", "Host: late.example"].join("\r\n");
  const huge = long.replace("\r\n\r\n", `\r\nZ: ${"z".repeat(1500)}\r\n${lines}\r\n\r\n`);
  const frames = streamFrames([[0, huge, [1000, 2000, 3000, 4000]]]);
  expect(rows(frames)[0]).toMatchObject({ HTTP_REQUEST_METHOD: "GET", HTTP_REQUEST_HOST: "" });
});

test("http passes over interim responses", () => {
  const interim = message("HTTP/1.1 100 Continue");
  const together = talk([
    [0, GET],
    [1, interim + OK],
  ]);
  expect(rows(together)[0]).toMatchObject(FOUND);
  const apart = talk([
    [0, GET],
    [1, interim],
    [1, OK],
  ]);
  expect(rows(apart)[0]).toMatchObject(FOUND);
});

test("http takes methods it does not know, and no other protocol's messages", () => {
  const method = (text: string) => rows(talk([[0, text]]))[0]!.HTTP_REQUEST_METHOD;
  expect(method(message("PROPFIND / HTTP/1.1"))).toBe("PROPFIND");
  expect(method(message("M-SEARCH * HTTP/1.1"))).toBe("M-SEARCH");
  expect(method(message("OPTIONS sip:a@b SIP/2.0"))).toBe("");
  expect(method(message("DESCRIBE rtsp://a RTSP/1.0"))).toBe("");
  expect(method("EHLO a\r\nHTTP/1.1\r\n\r\n")).toBe("");
  expect(method(message(`${"A".repeat(21)} / HTTP/1.1`))).toBe("");
  expect(method(message("GET  HTTP/1.1"))).toBe("");
});

test("http says no status of a response that has none", () => {
  for (const line of [
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 OK",
    "HTTP/1.1 99999 Big",
    "HTTP/1.1 -20 x",
  ])
    expect(rows(talk([[1, message(line)]]))[0]!.HTTP_RESPONSE_STATUS_CODE).toBe(0);
});

test("http cuts long values at their bounds, and leaves out the cookie that is too many", () => {
  const many = Array.from({ length: 90 }, (_, i) => `Set-Cookie: cookie${i}=`);
  const request = message(`GET /${"a".repeat(1100)} HTTP/1.1`, `Host: ${"h".repeat(300)}`);
  const [row] = rows(
    talk([
      [0, request],
      [1, message("HTTP/1.1 200 OK", ...many.slice(0, 70))],
    ]),
  );
  expect((row!.HTTP_REQUEST_URL as string).length).toBe(1024);
  expect((row!.HTTP_REQUEST_HOST as string).length).toBe(255);
  const names = (row!.HTTP_RESPONSE_SET_COOKIE_NAMES as string).split(";");
  expect(names.every((name, i) => name === `cookie${i}`)).toBe(true);
  expect(names.join(";").length).toBeLessThanOrEqual(512);
  expect(names.length).toBeGreaterThan(50);
});

test("http in compat mode begins a flow with each request, in the direction of the first", () => {
  const frames = talk([
    [0, GET],
    [1, OK],
    [1, message("HTTP/1.1 304 Not Modified")],
    [0, message("GET /2 HTTP/1.1")],
    [0, message("GET /3 HTTP/1.1")],
  ]);
  const found = protocolRows(http, frames, { compat: true }) as Row[];
  const columns = found.map((row) => [
    row.HTTP_REQUEST_URL,
    row.HTTP_RESPONSE_STATUS_CODE,
    row.PACKETS,
    row.PACKETS_REV,
    row.SRC_PORT,
  ]);
  expect(columns).toEqual([
    ["/a?b=1", 200, 1, 1, 40_000],
    ["/2", 304, 1, 1, 40_000],
    ["/3", 0, 1, 0, 40_000],
  ]);
  const times = found.map(({ TIME_FIRST, TIME_LAST }) => [TIME_FIRST, TIME_LAST]);
  expect(times[1]![0]).toEqual(times[0]![1]!);
  expect(times[2]![0]).toEqual(times[1]![1]!);
});
