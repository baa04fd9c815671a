// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Bytes } from "../../packet/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import {
  framed,
  message,
  name,
  options,
  question,
  RESPONSE,
  record,
  strings,
  textOf,
} from "../dns/test-kit.ts";
import { type Frames, malformedIn, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams, streamFrames, talk } from "../testing/text-frames.ts";
import dns from "./dns.ts";

testProtocol(dns, { capture: "dns.pcap" });

type Row = Record<string, number | string> & { readonly DNS_RDATA: Uint8Array };

const rows = (frames: string | Frames, compat = false): Row[] =>
  protocolRows(dns, frames, { compat }) as Row[];
const rdataOf = (row: Row | undefined): string => Buffer.from(row!.DNS_RDATA).toString();

const HOST = question(name("www.example.org"));
const QUERY = message({ questions: [HOST], additionals: [options(1232, 0x8000)] });
const ANSWERS = [
  record({ ttl: 300, data: [192, 0, 2, 80] }),
  record({ ttl: 5, data: [192, 0, 2, 81] }),
];
const ANSWER = message({ flags: RESPONSE, questions: [HOST], answers: ANSWERS });
const FOUND = {
  DNS_ID: 7,
  DNS_NAME: "www.example.org",
  DNS_QTYPE: 1,
  DNS_CLASS: 1,
  DNS_ANSWERS: 2,
  DNS_RCODE: 0,
  DNS_RR_TTL: 300,
  DNS_RLENGTH: 10,
  DNS_PSIZE: 1232,
  DNS_DO: 1,
};

const udp = (...messages: (readonly [0 | 1, Bytes])[]): Frames =>
  datagrams(
    messages.map(([side, bytes]) => [side, textOf(bytes)]),
    53,
  );

test("dns gives one biflow its query and the first answer to it", () => {
  const found = rows(udp([0, QUERY], [1, ANSWER]));
  expect(found).toMatchObject([{ ...FOUND, PACKETS: 1, PACKETS_REV: 1 }]);
  expect(rdataOf(found[0])).toBe("192.0.2.80");
});

test("dns reads a response alone, and a query alone", () => {
  expect(rows(udp([1, ANSWER]))).toMatchObject([{ ...FOUND, DNS_PSIZE: 0, DNS_DO: 0 }]);
  expect(rows(udp([0, QUERY]))).toMatchObject([
    { ...FOUND, DNS_ANSWERS: 0, DNS_RR_TTL: 0, DNS_RLENGTH: 0 },
  ]);
});

test("dns begins another flow with the next transaction on the same ports", () => {
  const next = message({ id: 8, questions: [question(name("example.net"), 28)] });
  const refused = message({
    id: 8,
    flags: RESPONSE | 5,
    questions: [question(name("example.net"))],
  });
  const again = udp([0, QUERY], [0, QUERY], [1, ANSWER], [1, ANSWER], [0, next], [1, refused]);
  expect(rows(again)).toMatchObject([
    { ...FOUND, PACKETS: 2, PACKETS_REV: 2 },
    { DNS_ID: 8, DNS_NAME: "example.net", DNS_QTYPE: 28, DNS_RCODE: 5, PACKETS: 1, PACKETS_REV: 1 },
  ]);
});

test("dns does not give a query the answer to another", () => {
  const other = message({
    id: 8,
    flags: RESPONSE | 3,
    questions: [question(name("other"))],
  });
  const found = rows(udp([0, QUERY], [0, QUERY.with(1, 8)], [1, other], [1, ANSWER]));
  expect(found).toMatchObject([{ ...FOUND, PACKETS: 2, PACKETS_REV: 2 }]);
});

test("dns takes the answer of a notification from its query", () => {
  const notify = message({ flags: 0x2400, questions: [HOST], answers: ANSWERS });
  const reply = message({ flags: 0xa400, questions: [HOST] });
  const found = rows(udp([0, notify], [1, reply]));
  expect(found).toMatchObject([{ DNS_ANSWERS: 2, DNS_RR_TTL: 300 }]);
  expect(rdataOf(found[0])).toBe("192.0.2.80");
});

test("dns adds the upper bits of the response code", () => {
  const bad = message({ flags: RESPONSE, questions: [HOST], additionals: [options(512, 1 << 24)] });
  expect(rows(udp([0, QUERY], [1, bad]))).toMatchObject([{ DNS_RCODE: 16, DNS_PSIZE: 1232 }]);
});

test("dns reads LLMNR, which ipfixprobe does not", () => {
  const frames = datagrams([[0, textOf(QUERY)]], 5355);
  expect(rows(frames)).toMatchObject([{ DNS_NAME: "www.example.org" }]);
  expect(rows(frames, true)).toEqual([]);
});

test("dns reads messages over TCP, whatever segments they come in", () => {
  const long = message({
    flags: RESPONSE,
    questions: [HOST],
    answers: [
      ...ANSWERS.slice(0, 1),
      ...Array.from({ length: 9 }, () => record({ type: 16, data: strings("x".repeat(250)) })),
    ],
  });
  for (const cuts of [[], [1], [2], [3, 7, 20], [2, 14, 1000]]) {
    const frames = streamFrames(
      [
        [0, textOf(framed(QUERY)), cuts],
        [1, textOf(framed(long)), cuts],
        [0, textOf(framed(QUERY)), []],
      ],
      53,
    );
    const found = rows(frames);
    expect(found).toMatchObject([{ ...FOUND, DNS_ANSWERS: 10 }]);
    expect(rdataOf(found[0])).toBe("192.0.2.80");
    expect(malformedIn(dns, frames)).toBe(0);
  }
});

test("dns reads the beginning of a message over TCP that is longer than what is kept", () => {
  const many = Array.from({ length: 99 }, () =>
    record({ type: 16, data: strings("x".repeat(90)) }),
  );
  const long = message({ flags: RESPONSE, questions: [HOST], answers: [...ANSWERS, ...many] });
  const frames = streamFrames([[1, textOf(framed(long)), [1400, 2800, 4200]]], 53);
  expect(rows(frames)).toMatchObject([{ DNS_ANSWERS: 101, DNS_RR_TTL: 300 }]);
  expect(malformedIn(dns, frames)).toBe(0);
});

test("dns finds nothing in TCP that is no DNS, nor in a message that does not come to its end", () => {
  const nothing = { DNS_NAME: "", DNS_ID: 0 };
  expect(
    rows(
      talk(
        [
          [0, "\0\u0004text"],
          [1, "\0\u0005hello"],
        ],
        53,
      ),
    ),
  ).toMatchObject([nothing]);
  const half = textOf(framed(QUERY)).slice(0, 30);
  expect(rows(talk([[0, half]], 53))).toMatchObject([nothing]);
  expect(rows(talk([[0, half]], 53), true)).toEqual([]);
});

test("dns in compat mode ends a flow with each message", () => {
  const frames = udp([0, QUERY], [1, ANSWER], [0, QUERY]);
  expect(rows(frames, true)).toMatchObject([
    { DNS_ANSWERS: 0, DNS_PSIZE: 1232, PACKETS: 1, PACKETS_REV: 0 },
    { DNS_ANSWERS: 2, DNS_PSIZE: 0, PACKETS: 1, PACKETS_REV: 0, SRC_PORT: 53 },
    { DNS_ANSWERS: 0, DNS_PSIZE: 1232, PACKETS: 1, PACKETS_REV: 0 },
  ]);
});

test("dns counts messages that break the rules, and keeps what was good of them", () => {
  const looped = message({ questions: [question([1, 0x61, 0xc0, 12])] });
  expect(malformedIn(dns, udp([0, looped]))).toBe(1);
  expect(rows(udp([0, looped]))).toMatchObject([{ DNS_ID: 0, DNS_NAME: "" }]);
  const short = message({
    flags: RESPONSE,
    questions: [HOST],
    answers: [record({ data: [1, 2] })],
  });
  expect(malformedIn(dns, udp([0, QUERY], [1, short]))).toBe(1);
  expect(rows(udp([0, QUERY], [1, short]))).toMatchObject([
    { DNS_NAME: "www.example.org", DNS_ANSWERS: 1, DNS_RLENGTH: 0 },
  ]);
  // Four answers are counted, and two are there; unless the server says that it cut the message.
  expect(malformedIn(dns, udp([1, ANSWER.with(7, 4)]))).toBe(1);
  expect(malformedIn(dns, udp([1, ANSWER.with(7, 4).with(2, 0x83)]))).toBe(0);
});

test("dns leaves a message alone that the capture cut", () => {
  const frames = udp([0, QUERY], [1, ANSWER]).map(
    ([time, frame]) => [time, frame.subarray(0, 70)] as const,
  );
  expect(malformedIn(dns, frames)).toBe(0);
  expect(rows(frames)).toMatchObject([{ DNS_NAME: "", DNS_RCODE: 0 }]);
});

const TCPDUMP = "corpus/pcap/tcpdump";
const noCorpus = !hasShared(TCPDUMP);

describe.skipIf(noCorpus)(`dns, tcpdump's captures${noCorpus ? ` (${NO_SHARED})` : ""}`, () => {
  test.each(["dns-badlabel", "dns-zlip-1", "dns-zlip-2", "dns-zlip-3", "dns_fwdptr"])(
    "dns counts %s as malformed",
    (file) => expect(malformedIn(dns, sharedPath(TCPDUMP, `${file}.pcap`))).toBe(1),
  );

  test.each(["dns_udp", "dns_tcp", "dns-uri", "dns-badcookie", "dnssec", "edns-opts"])(
    "dns finds nothing malformed in %s",
    (file) => expect(malformedIn(dns, sharedPath(TCPDUMP, `${file}.pcap`))).toBe(0),
  );

  test("dns reads the response code of BADVERS", () => {
    const found = rows(sharedPath(TCPDUMP, "dns-badvers.pcap"));
    expect(found.map(({ DNS_RCODE }) => DNS_RCODE)).toEqual([16, 0]);
  });
});

const FLOWTEST = "corpus/pcap/flowtest";
const noFlowtest = !hasShared(FLOWTEST);

interface Annotated {
  readonly src_ip: string;
  readonly src_port: number;
  readonly dns_id: number;
  readonly _forward: Annotated;
  readonly _reverse?: Annotated;
  readonly dns_req_query_type: number;
  readonly dns_req_query_class: number;
  readonly dns_req_query_name: string;
  readonly dns_resp_rcode?: number;
  readonly dns_resp_rr?: readonly { readonly ttl: number; readonly data: string }[];
}

describe.skipIf(noFlowtest)(
  `dns, FlowTest's annotations${noFlowtest ? ` (${NO_SHARED})` : ""}`,
  () => {
    const golden = noFlowtest
      ? []
      : readdirSync(sharedPath(FLOWTEST, "golden")).filter((file) => file.startsWith("dns_"));

    test.each(golden)("dns finds what %s annotates", (file) => {
      const text = readFileSync(sharedPath(FLOWTEST, "golden", file), "utf8");
      const { pcap, flows } = Bun.YAML.parse(text) as { pcap: string; flows: readonly Annotated[] };
      const found = rows(sharedPath(FLOWTEST, pcap));
      expect(found).toHaveLength(flows.length);
      for (const { src_ip, src_port, dns_id, _forward, _reverse } of flows) {
        const row = found.find(
          ({ SRC_IP, SRC_PORT }) => SRC_IP === src_ip && SRC_PORT === src_port,
        );
        expect(row).toMatchObject({
          DNS_ID: dns_id,
          DNS_NAME: _forward.dns_req_query_name,
          DNS_QTYPE: _forward.dns_req_query_type,
          DNS_CLASS: _forward.dns_req_query_class,
          DNS_RCODE: _reverse?.dns_resp_rcode ?? 0,
        });
        const records = _reverse?.dns_resp_rr ?? _forward.dns_resp_rr;
        if (!records) continue;
        const answer = { ttl: row!["DNS_RR_TTL"], data: rdataOf(row) };
        expect(records.map(({ ttl, data }) => ({ ttl, data }))).toContainEqual(answer as never);
      }
    });
  },
);
