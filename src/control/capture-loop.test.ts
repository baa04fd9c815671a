// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { udpFrame } from "../collectors/live/testing/frames.ts";
import { FrameSender, Network, networkObstacle } from "../collectors/live/testing/network.ts";
import { createBell, createRing, RingReader } from "../core/batch-ring.ts";
import { type CapturePlan, runCapture } from "./capture-loop.ts";
import type { SourceStats } from "./snapshot.ts";
import type { WorkerMessage } from "./worker.ts";

const obstacle = networkObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

/** A frame that has no IP: the meter's clock does not see it. */
const LLDP = new Uint8Array(60).fill(0x88, 12, 13).fill(0xcc, 13, 14);

/** Runs the loop in this thread; `turn` is called between polls, until it returns true or five seconds are over. */
function capture(turn: (seen: Seen) => boolean): Seen {
  const ring = createRing(createBell());
  const seen = new Seen();
  const reader = new RingReader(ring, seen);
  const plan: CapturePlan = {
    interface: "right",
    ringBytes: 1 << 20,
    meter: { idle: 1, flowsMax: 1024 },
    rings: [ring],
    worker: { index: 0, count: 1 },
  };
  const end = performance.now() + 5_000;
  let done = false;
  runCapture(plan, {
    stopped() {
      reader.drain();
      done ||= turn(seen);
      return done || performance.now() > end;
    },
    tell: (message) => seen.take(message),
  });
  seen.inTime = done;
  while (!reader.ended) reader.drain();
  return seen;
}

/** What came out of a capture. */
class Seen {
  records = 0;
  watermarks = 0;
  inTime = false;
  ready = false;
  source: SourceStats | undefined;
  readonly states = new Set<string>();
  readonly warnings: string[] = [];

  receive({ count }: { count: number }): void {
    this.records += count;
  }

  advance(): void {
    this.watermarks++;
  }

  end(): void {}

  take(message: WorkerMessage): void {
    if (message.kind === "ready") this.ready = true;
    if (message.kind === "warning") this.warnings.push(message.message);
    if (message.kind !== "source") return;
    this.source = message.source;
    this.states.add(message.source.capture!.state);
  }
}

describe.skipIf(obstacle !== undefined)(`runCapture${reason}`, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network[Symbol.dispose]());

  test("runCapture gives event time also where no packet ever comes", () => {
    const seen = capture(({ watermarks }) => watermarks > 0);
    expect([seen.inTime, seen.ready, seen.records]).toEqual([true, true, 0]);
  });

  test("runCapture ends silent flows while only frames without IP arrive", () => {
    using sender = new FrameSender("left");
    let sent = 0;
    const seen = capture(({ ready, records }) => {
      if (ready) sender.send(sent++ === 0 ? udpFrame() : LLDP);
      return records > 0;
    });
    expect([seen.inTime, seen.records]).toEqual([true, 1]);
    const { meter, capture: counts } = seen.source!;
    expect(counts).toMatchObject({ received: sent, dropped: 0, unread: 0, state: "up" });
    expect([meter.packets, meter.ignored.nonIp]).toEqual([sent, sent - 1]);
  });

  test("runCapture exports what is still in the ring and in the table when it is told to stop", () => {
    using sender = new FrameSender("left");
    const seen = capture(() => {
      for (let port = 1; port <= 50; port++) sender.send(udpFrame({ targetPort: port }));
      return true;
    });
    expect([seen.records, seen.source!.capture!.received]).toEqual([50, 50]);
  });

  test("runCapture reports an interface that goes down and away, opens it anew, and ends while it is away", () => {
    let step = 0;
    const seen = capture(({ states, warnings }) => {
      const steps: [boolean, () => void][] = [
        [states.has("up"), () => network.ip("link set right down")],
        [states.has("down"), () => network.ip("link del right")],
        [warnings.length === 1, () => network.connect()],
        [warnings.length === 2, () => network.ip("link del right")],
      ];
      const [reached, go] = steps[step] ?? [];
      if (reached) {
        go!();
        step++;
        if (step === 4) states.delete("gone");
      }
      return step === 4 && states.has("gone");
    });
    network.connect();
    expect(seen.inTime).toBe(true);
    expect(seen.warnings).toEqual([
      "right: is gone; capture goes on once it is back",
      "right: is back, capture goes on",
    ]);
    expect([...seen.states].sort()).toEqual(["down", "gone", "up"]);
  });
});
