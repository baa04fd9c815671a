// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { protocolRows, protocolText, testProtocol } from "../testing/protocol-kit.ts";
import { streamFrames } from "../testing/text-frames.ts";
import mqtt from "./mqtt.ts";

testProtocol(mqtt, { capture: "mqtt.pcap" });

const CAPTURE = "corpus/pcap/ipfixprobe/mqtt.pcap";
const absent = !hasShared(CAPTURE);
test.skipIf(absent)(
  `mqtt finds all but MAC addresses as ipfixprobe does${absent ? ` (${NO_SHARED})` : ""}`,
  () => {
    const path = sharedPath("corpus/pcap/ipfixprobe/golden/mqtt");
    const expected = readFileSync(path, "utf8").trimEnd().split("\n");
    const columns = expected.find((line) => line.startsWith("ipaddr "))!.split(",");
    const source = columns.indexOf("macaddr SRC_MAC");
    const lines = expected.map((line) => line.split(",").toSpliced(source, 1).join(","));
    const header = columns.toSpliced(source, 1).join(",");
    expect(protocolText(mqtt, sharedPath(CAPTURE), header).toSorted()).toEqual(lines.toSorted());
  },
);

type Texts = Parameters<typeof streamFrames>[0];

const length = (size: number): string =>
  size < 128
    ? String.fromCharCode(size)
    : String.fromCharCode((size & 127) | 128) + length(size >>> 7);
const message = (first: number, body: string): string =>
  String.fromCharCode(first) + length(body.length) + body;
const text = (value: string): string =>
  String.fromCharCode(value.length >>> 8, value.length & 255) + value;
const connect = (name = "MQTT", version = 5): string =>
  message(0x10, `${text(name)}${String.fromCharCode(version)}\x02\x00\x3c${text("client")}`);
const publish = (topic: string, body = "", flags = 0): string =>
  message(0x30 | flags, text(topic) + body);
const CONNACK = "\x20\x02\x01\x05";
const DISCONNECT = "\xe0\x00";

const rows = (texts: Texts, compat = false): Record<string, unknown>[] =>
  protocolRows(mqtt, streamFrames(texts, 1883), { compat });
const topicsOf = (said: string): unknown => rows([[0, connect() + said, []]])[0]!["MQTT_TOPICS"];

test("mqtt tells the session, its topics, and the flags of both directions together", () => {
  const texts: Texts = [
    [0, connect(), []],
    [1, CONNACK, []],
    [0, publish("a/b", "x", 1) + publish("c") + publish("a/b"), []],
    [1, publish("down", "y", 8), []],
    [0, DISCONNECT, []],
  ];
  const fields = {
    MQTT_TYPE_CUMULATIVE: 0x400f,
    MQTT_VERSION: 5,
    MQTT_CONNECTION_FLAGS: 2,
    MQTT_KEEP_ALIVE: 60,
    MQTT_CONNECTION_RETURN_CODE: 5,
    MQTT_PUBLISH_FLAGS: 9,
  };
  expect(rows(texts)).toMatchObject([{ ...fields, MQTT_TOPICS: "a/b#c#down", PACKETS: 3 }]);
  expect(rows(texts, true)).toMatchObject([{ ...fields, MQTT_TOPICS: "" }]);
});

test("mqtt ends a flow at DISCONNECT in compat mode alone", () => {
  const texts: Texts = [
    [0, connect() + DISCONNECT, []],
    [0, connect() + publish("later"), []],
  ];
  expect(rows(texts)).toHaveLength(1);
  expect(rows(texts, true)).toHaveLength(2);
});

test("mqtt finds where messages begin however a stream is cut behind their lengths", () => {
  const up = connect() + publish("long", "x".repeat(300)) + publish("t") + DISCONNECT;
  const cut = fc.integer({ min: 22, max: up.length - 3 });
  // Where the first bytes of the second and third message are.
  const second = connect().length;
  const third = second + publish("long", "x".repeat(300)).length;
  const isHead = (at: number) => (at > second && at < second + 9) || (at > third && at < third + 5);
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 5 }), (cuts) => {
      const found = rows([[0, up, cuts.filter((at) => !isHead(at))]]);
      expect(found).toMatchObject([{ MQTT_TYPE_CUMULATIVE: 0x400a, MQTT_TOPICS: "long#t" }]);
    }),
    { numRuns: 30, seed: 1883 },
  );
});

test("mqtt stops at a length that is cut or too long, and at a message of no type", () => {
  const head = connect().length + 1;
  expect(rows([[0, connect() + publish("t"), [head]]])).toMatchObject([
    { MQTT_TYPE_CUMULATIVE: 2, MQTT_TOPICS: "" },
  ]);
  expect(topicsOf(`\x40\xff\xff\xff\xff\x01${publish("t")}`)).toBe("");
  expect(topicsOf(`\x00\x00${publish("t")}`)).toBe("");
});

test("mqtt goes on behind bytes of a message that are lost, and stops when its end is lost too", () => {
  const long = publish("long", "x".repeat(300));
  const start = connect().length;
  const end = start + long.length;
  const next = publish("t");
  const topics = (cut: number): unknown => {
    const up = connect() + long + next + publish("u");
    const frames = streamFrames([[0, up, [start + 20, cut]]], 1883);
    return protocolRows(mqtt, frames.toSpliced(1, 1))[0]!["MQTT_TOPICS"];
  };
  expect(topics(end - 10)).toBe("long#t#u");
  expect(topics(end)).toBe("long#t#u");
  expect(topics(end + next.length)).toBe("long");
});

test("mqtt keeps 10 topics, and 255 bytes of each", () => {
  const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
  expect(topicsOf(names.map((name) => publish(name)).join(""))).toBe(names.slice(0, 10).join("#"));
  expect(topicsOf(publish("l".repeat(300)))).toBe("l".repeat(255));
  // A topic that says to be longer than its packet.
  expect(topicsOf("\x30\x40\x40\x00abc")).toBe("abc");
  expect(topicsOf(publish("", "by number"))).toBe("");
});

test("mqtt knows version 3.1, which ipfixprobe does not", () => {
  const old: Texts = [[0, connect("MQIsdp", 3), []]];
  expect(rows(old)).toMatchObject([{ MQTT_VERSION: 3, MQTT_KEEP_ALIVE: 60 }]);
  expect(rows(old, true)).toEqual([]);
});

test("mqtt takes no other protocol for its own, nor a CONNECT that is cut off", () => {
  for (const other of ["GET / HTTP/1.1\r\n", connect("MQTX"), connect("MQTT", 6), "\x10"])
    expect(rows([[0, other + publish("t"), []]], true)).toEqual([]);
  expect(rows([[0, connect().slice(0, 11), []]], true)).toEqual([]);
  expect(rows([[0, connect().slice(0, 12), []]], true)).toHaveLength(1);
});
