// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import { array, assert, constant, oneof, property, uint8Array } from "fast-check";
import type { ClientStats, OutputStats } from "./interface.ts";
import { GET_REQUEST, replyText, ServiceClient } from "./testing/service-client.ts";
import { ServiceHarness } from "./testing/service-harness.ts";

const CLIENTS_MAX = 64;

let harness: ServiceHarness;
beforeEach(() => {
  harness = new ServiceHarness();
});
afterEach(() => {
  mock.restore();
  harness[Symbol.dispose]();
});

const stats = (clientCount: number): OutputStats => ({
  type: "u",
  id: "alerts",
  messages: 5,
  buffers: 1,
  autoflushes: 0,
  dropped: 0,
  unheard: 0,
  clients: Array.from(
    { length: clientCount },
    (_, id): ClientStats => ({ id, sentContainers: 1, sentMessages: 5, skippedMessages: 0 }),
  ),
  clientCount,
});

describe("ServiceConnection", () => {
  test("ServiceConnection answers one connection as often as it asks, each time with the counters of now", () => {
    const client = harness.dial();
    for (const count of [0, 1, 2]) {
      harness.outputs = Array(count).fill(stats(1));
      expect(replyText(harness.replyTo(client.send(GET_REQUEST)))).toContain(`"out_cnt":${count}`);
    }
    expect(harness.asked).toBe(3);
  });

  test("ServiceConnection answers requests that come at once one by one", () => {
    const client = harness.dial().send(Buffer.concat([GET_REQUEST, GET_REQUEST, GET_REQUEST]));
    for (let i = 0; i < 3; i++) expect(harness.replyTo(client)[0]).toBe(12);
    harness.settle();
    expect(harness.asked).toBe(3);
  });

  test("ServiceConnection takes a request byte by byte, and gives its padding back", () => {
    spyOn(performance, "now").mockReturnValue(1000);
    const request = Uint8Array.of(10, 1, 2, 3, 0, 0, 0, 0);
    const client = harness.dial();
    for (const byte of request) {
      expect(client.receive()).toBe(0);
      client.send(Uint8Array.of(byte));
      harness.settle();
    }
    const reply = harness.replyTo(client);
    expect([...reply.subarray(0, 4)]).toEqual([12, 1, 2, 3]);
    expect(reply.at(-1)).toBe(0);
  });

  test.each([
    ["SET", [11, 0, 0, 0, 0, 0, 0, 0]],
    ["an unknown command", [99, 0, 0, 0, 0, 0, 0, 0]],
    ["a reply", [12, 0, 0, 0, 0, 0, 0, 0]],
    ["a request that has a length", [10, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]],
    ["a request of 4 GiB", [10, 0, 0, 0, 255, 255, 255, 255]],
  ])("ServiceConnection closes without a reply at %s", (_, bytes) => {
    const client = harness.dial().send(Uint8Array.from(bytes));
    harness.seesClosed(client);
    expect(client.receive()).toBe(0);
    expect(harness.asked).toBe(0);
    expect(harness.answers(harness.dial())).toBe(true);
  });

  test("ServiceConnection closes at half a request when its time is over, and lets the idle ones be", () => {
    const clock = spyOn(performance, "now").mockReturnValue(1000);
    const idle = harness.dial();
    expect(harness.answers(idle)).toBe(true);
    const half = harness.dial();
    clock.mockReturnValue(60_000);
    half.send(GET_REQUEST.subarray(0, 4));
    harness.settle();
    clock.mockReturnValue(60_199);
    // More bytes give no more time.
    half.send(GET_REQUEST.subarray(4, 7));
    harness.settle();
    half.receive();
    expect(half.closed).toBe(false);
    clock.mockReturnValue(60_200);
    harness.seesClosed(half);
    expect(half.receive()).toBe(0);
    expect(harness.answers(idle)).toBe(true);
  });

  test("ServiceConnection gives each request of a connection its own time", () => {
    const clock = spyOn(performance, "now").mockReturnValue(1000);
    const client = harness.dial();
    for (const now of [1000, 5000, 9000]) {
      clock.mockReturnValue(now);
      client.send(GET_REQUEST.subarray(0, 4));
      harness.settle();
      clock.mockReturnValue(now + 199);
      client.send(GET_REQUEST.subarray(4));
      expect(harness.replyTo(client)[0]).toBe(12);
    }
  });

  test("ServiceConnection keeps one reply for a slow reader and asks for no other before it is gone", () => {
    harness.outputs = [stats(30_000)];
    const slow = harness.dial().send(Buffer.concat([GET_REQUEST, GET_REQUEST]));
    harness.turnUntil(() => harness.asked === 1);
    harness.settle();
    expect(slow.receive(1)).toBe(1);
    harness.settle();
    expect(harness.asked).toBe(1);
    // Others are served meanwhile.
    expect(harness.replyTo(harness.dial().send(GET_REQUEST))[0]).toBe(12);
    expect(harness.asked).toBe(2);
    const first = harness.replyTo(slow);
    expect(first.length).toBeGreaterThan(1 << 20);
    expect(JSON.parse(replyText(first)).out[0].client_stats_arr).toHaveLength(30_001);
    expect(harness.replyTo(slow)).toEqual(first);
    expect(harness.asked).toBe(3);
  });

  test("ServiceConnection outlives a client that leaves before its reply has gone", () => {
    harness.outputs = [stats(30_000)];
    const client = harness.dial().send(GET_REQUEST);
    harness.turnUntil(() => harness.asked === 1);
    client.close();
    harness.settle();
    harness.outputs = [];
    expect(harness.answers(harness.dial())).toBe(true);
    // Its place is free again.
    for (let i = 1; i < CLIENTS_MAX; i++) expect(harness.answers(harness.dial())).toBe(true);
  });

  test("ServiceConnection answers what is a request in 10,000 random streams, and closes at the rest", () => {
    const get = uint8Array({ minLength: 3, maxLength: 3 }).map((padding) =>
      Uint8Array.of(10, ...padding, 0, 0, 0, 0),
    );
    const streams = array(oneof(get, constant(GET_REQUEST), uint8Array({ maxLength: 20 })), {
      maxLength: 6,
    }).map((parts) => new Uint8Array(Buffer.concat(parts)));
    let replies = 0;
    assert(
      property(streams, (stream) => {
        const client = new ServiceClient(harness.service.path).send(stream);
        const expected = requestsOf(stream);
        for (let i = 0; i < expected.count; i++) {
          const reply = harness.replyTo(client);
          expect([...reply.subarray(0, 4)]).toEqual([12, ...expected.padding(i)]);
        }
        harness.settle();
        expect(client.receive()).toBe(0);
        if (expected.breaks) expect(client.closed).toBe(true);
        replies += expected.count;
        client.close();
        harness.settle();
      }),
      { seed: 20_240_611, numRuns: 10_000 },
    );
    expect(harness.asked).toBe(replies);
    expect(replies).toBeGreaterThan(5000);
    for (let i = 0; i < CLIENTS_MAX; i++) expect(harness.answers(harness.dial())).toBe(true);
  }, 60_000);
});

/** What a stream of bytes asks for: requests from its start on, and whether anything else follows. */
function requestsOf(stream: Uint8Array) {
  let count = 0;
  let at = 0;
  const isRequest = () =>
    stream[at] === 10 && stream.subarray(at + 4, at + 8).every((byte) => byte === 0);
  for (; at + 8 <= stream.length && isRequest(); at += 8) count++;
  return {
    count,
    breaks: at + 8 <= stream.length,
    padding: (i: number) => stream.subarray(8 * i + 1, 8 * i + 4),
  };
}
