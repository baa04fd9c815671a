// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { hasShared, NO_SHARED, sharedPath } from "../testing/shared.ts";
import type { ClientStats, InputStats, OutputStats } from "./interface.ts";
import { encodeReply, isGet, type ServicePorts, statsText } from "./service-reply.ts";
import { GET_REQUEST, replyText } from "./testing/service-client.ts";

type Reply = { in_cnt: number; out_cnt: number; in: Words[]; out: OutWords[] };
type Words = Record<string, unknown>;
type OutWords = Words & { client_stats_arr: Words[] };

const input = (some: Partial<InputStats> = {}): InputStats => ({
  type: "u",
  id: "flows",
  connected: true,
  messages: 90,
  buffers: 4,
  missed: 10,
  malformed: 2,
  reconnects: 1,
  ...some,
});

const client = (id: number, some: Partial<ClientStats> = {}): ClientStats => ({
  id,
  sentContainers: 1,
  sentMessages: 5,
  skippedMessages: 0,
  ...some,
});

const output = (some: Partial<OutputStats> = {}): OutputStats => ({
  type: "u",
  id: "alerts",
  messages: 5,
  buffers: 1,
  autoflushes: 1,
  dropped: 0,
  unheard: 0,
  clients: [],
  clientCount: 0,
  ...some,
});

const ports = (inputs: readonly InputStats[], outputs: readonly OutputStats[]): ServicePorts => ({
  inputs: () => inputs,
  outputs: () => outputs,
});

const told = (inputs: readonly InputStats[], outputs: readonly OutputStats[]): Reply =>
  JSON.parse(statsText(ports(inputs, outputs)));

describe("statsText", () => {
  test("statsText tells an input's counters, and how it stands", () => {
    const { in: inputs, in_cnt, out_cnt } = told([input(), input({ connected: false })], []);
    expect([in_cnt, out_cnt]).toEqual([2, 0]);
    expect(inputs[0]).toEqual({
      ifc_type: 117,
      ifc_id: "flows",
      ifc_state: 1,
      messages: 90,
      buffers: 4,
      delay_last: 0,
      delay_total: 0,
      missed: 10,
      malformed: 2,
      reconnects: 1,
    });
    expect(inputs[1]!["ifc_state"]).toBe(0);
  });

  test("statsText tells an output's true losses", () => {
    const { out } = told([], [output({ dropped: 7, unheard: 3, buffers: 9, clientCount: 0 })]);
    expect(out[0]).toMatchObject({ "dropped-messages": 7, unheard: 3, buffers: 9, num_clients: 0 });
  });

  test.each(["u", "t", "T", "f", "b", "g"])("statsText names the type %s by its code", (type) => {
    expect(told([input({ type })], []).in[0]!["ifc_type"]).toBe(type.charCodeAt(0));
  });

  test.each([
    ["u", 2],
    ["t", 2],
    ["T", 2],
    ["f", 0],
    ["b", 0],
  ])("statsText lists the clients of an output of type %s as %i elements", (type, count) => {
    const { out } = told([], [output({ type, clients: [client(1)], clientCount: 1 })]);
    expect(out[0]!.client_stats_arr).toHaveLength(count);
  });

  test("statsText puts the sum of all inputs before the clients", () => {
    const inputs = [input(), input({ messages: 0, buffers: 1, missed: 20 })];
    const [first] = told(inputs, [output()]).out[0]!.client_stats_arr;
    expect(first).toEqual({
      id: "extended_input_interface_info",
      sent_containers: "5",
      sent_messages: "90",
      skipped_messages: "30",
      skipped_percentage: 25,
    });
  });

  test("statsText writes a client's counters as text and its share as a fraction", () => {
    const clients = [
      client(7, { sentMessages: 2 ** 53 - 1 }),
      client(8, { sentMessages: 3, skippedMessages: 1 }),
      client(9, { sentMessages: 2, skippedMessages: 1 }),
      client(10, { sentMessages: 9_999_999_999, skippedMessages: 1 }),
      client(11, { sentMessages: 0, skippedMessages: 4 }),
    ];
    const text = statsText(ports([], [output({ clients })]));
    expect(text).toContain('"sent_messages":"9007199254740991"');
    const shares = [...text.matchAll(/"skipped_percentage":([^}]+)/g)].map((match) => match[1]!);
    expect(shares.map(Number)).toEqual([0, 0, 25, 100 / 3, 1e-8, 100]);
    // An integer of C's JSON library has neither.
    for (const share of shares) expect(share).toMatch(/[.e]/);
  });

  test.each(['a"b', "a\\b", "a\nb", "\u001b[2J", "žluťoučký", "日本"])(
    "statsText keeps the name %j whole",
    (id) => {
      const { in: inputs, out } = told([input({ id })], [output({ id })]);
      expect([inputs[0]!["ifc_id"], out[0]!["ifc_id"]]).toEqual([id, id]);
    },
  );
});

describe("encodeReply", () => {
  test("encodeReply counts bytes, not characters, and the zero at the end", () => {
    expect([...encodeReply(GET_REQUEST, "ž")]).toEqual([12, 0, 0, 0, 3, 0, 0, 0, 0xc5, 0xbe, 0]);
  });

  test("encodeReply writes its length from the lowest byte on, and gives the padding back", () => {
    const reply = encodeReply(Uint8Array.of(10, 1, 2, 3, 0, 0, 0, 0), "x".repeat(0x010203));
    expect([...reply.subarray(0, 8)]).toEqual([12, 1, 2, 3, 4, 2, 1, 0]);
    expect(reply).toHaveLength(8 + 0x010204);
  });
});

test.each([
  ["the original's request", [10, 0, 0, 0, 0, 0, 0, 0], true],
  ["one with padding", [10, 9, 8, 7, 0, 0, 0, 0], true],
  ["SET", [11, 0, 0, 0, 0, 0, 0, 0], false],
  ["a reply", [12, 0, 0, 0, 0, 0, 0, 0], false],
  ["zeros", [0, 0, 0, 0, 0, 0, 0, 0], false],
  ["one with a length", [10, 0, 0, 0, 1, 0, 0, 0], false],
  ["one with a length in its last byte", [10, 0, 0, 0, 0, 0, 0, 1], false],
])("isGet judges %s", (_, bytes, expected) => {
  expect(isGet(new Uint8Array(bytes))).toBe(expected);
});

/** What supervisor.c:2330-2539 and trap_stats look up, and as what. */
const CONSUMERS = {
  in: {
    numbers: ["messages", "buffers", "ifc_type", "ifc_state", "delay_last", "delay_total"],
    texts: ["ifc_id"],
  },
  out: {
    numbers: [
      "sent-messages",
      "dropped-messages",
      "buffers",
      "autoflushes",
      "num_clients",
      "ifc_type",
    ],
    texts: ["ifc_id"],
  },
};

test("statsText holds what Supervisor and trap_stats look up, of the types they take", () => {
  const reply = told([input()], [output({ clients: [client(4711)] }), output({ type: "f" })]);
  expect([reply.in_cnt, reply.out_cnt]).toEqual([reply.in.length, reply.out.length]);
  for (const direction of ["in", "out"] as const) {
    for (const ifc of reply[direction]) {
      for (const key of CONSUMERS[direction].numbers) expect(ifc[key]).toSatisfy(Number.isInteger);
      for (const key of CONSUMERS[direction].texts) expect(ifc[key]).toBeString();
    }
  }
  for (const { client_stats_arr } of reply.out) {
    expect(client_stats_arr).toBeArray();
    for (const { id, skipped_percentage, ...counters } of client_stats_arr) {
      expect(typeof id === "string" || Number.isInteger(id)).toBe(true);
      expect(skipped_percentage).toBeNumber();
      expect(Object.keys(counters)).toEqual([
        "sent_containers",
        "sent_messages",
        "skipped_messages",
      ]);
      for (const counter of Object.values(counters)) expect(counter).toMatch(/^\d+$/);
    }
  }
});

const golden = hasShared("golden/trap/service_reply.bin");
describe(`the original's recorded reply${golden ? "" : ` (${NO_SHARED})`}`, () => {
  const read = (name: string): Uint8Array =>
    new Uint8Array(readFileSync(sharedPath("golden/trap", name)));

  test.skipIf(!golden)("isGet knows the original's request", () => {
    expect(read("service_request.bin")).toEqual(GET_REQUEST);
  });

  test.skipIf(!golden)("encodeReply frames the original's text to the original's bytes", () => {
    const reply = read("service_reply.bin");
    expect(encodeReply(read("service_request.bin"), replyText(reply))).toEqual(
      new Uint8Array(reply),
    );
  });

  test.skipIf(!golden)("statsText tells the original's session in the original's words", () => {
    const text = replyText(read("service_reply.bin"));
    const theirs = JSON.parse(text) as Reply;
    const outputs = [
      output({ type: "t", id: "23231", clients: [client(55_752)], clientCount: 1 }),
      output({ id: "h1", clients: Array(3).fill(client(12_538)), clientCount: 3 }),
      output({ type: "b", id: "none", autoflushes: 0, clientCount: 1 }),
    ];
    const ours = told([], outputs);
    expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
    // Ours alone has the key `unheard` and the true count of buffers.
    const comparable = ours.out.map(({ unheard, ...ifc }) => ({ ...ifc, buffers: 0 }));
    expect<unknown>({ ...ours, out: comparable }).toEqual(theirs);
    const shares = (json: string): string[] => json.match(/"skipped_percentage": ?[\d.]+/g)!;
    expect(shares(statsText(ports([], outputs)))).toEqual(
      shares(text).map((share) => share.replace(" ", "")),
    );
  });
});
