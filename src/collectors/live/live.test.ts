// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { libpcapAvailable } from "@bun/ffi-libpcap-bindings";
import { NemeanError } from "../../core/errors.ts";
import { type LiveOptions, openLive } from "./index.ts";
import { findLink } from "./links.ts";
import type { LiveSource, LiveState } from "./source.ts";
import { TAGS, udpFrame } from "./testing/frames.ts";
import { Flood, FrameSender, Network, networkObstacle } from "./testing/network.ts";
import { Tally } from "./testing/tally.ts";

const obstacle = libpcapAvailable() ? networkObstacle() : "libpcap is not installed";
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
const MIB = 1 << 20;

/** What openLive() throws, as code, exit code and text. */
function failureOf(options: LiveOptions): { code: string; exitCode: number; message: string } {
  try {
    openLive(options).close();
  } catch (error) {
    if (error instanceof NemeanError) {
      const { code, exitCode, message } = error;
      return { code, exitCode, message };
    }
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe.skipIf(obstacle !== undefined)(`live capture${reason}`, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network[Symbol.dispose]());

  const open = (options: Partial<LiveOptions> = {}) =>
    openLive({ interface: "right", ringBytes: 8 * MIB, ...options });

  /** Frames that reached the interface. */
  const arrived = (): number => findLink("right")!.statistics["rx_packets"]!;

  /** Send until a frame is seen: an end that has just got its signal back sends into nothing at first. */
  const sendUntilSeen = (source: LiveSource, tally: Tally): void => {
    using sender = new FrameSender("left");
    const before = tally.count;
    const end = performance.now() + 5_000;
    while (tally.count === before && performance.now() < end) {
      sender.send(udpFrame());
      source.poll(20, tally.take);
    }
    for (const frame of tally.frames) expect(frame).toEqual(udpFrame());
  };

  describe.each(["ring", "libpcap"] as const)("through %s", (backend) => {
    test("openLive receives all of 100,000 frames", () => {
      using source = open({ backend, ringBytes: 64 * MIB });
      using sender = new FrameSender("left");
      expect([source.backend, source.linkType, source.state]).toEqual([backend, 1, "up"]);
      const tally = new Tally({ keep: false });
      const frame = udpFrame();
      for (let i = 0; i < 100_000; i++) {
        sender.send(frame);
        if (i % 1000 === 0) source.poll(0, tally.take);
      }
      source.drain(tally.take);
      expect([sender.sent, tally.count, tally.bytes]).toEqual([
        100_000,
        100_000,
        100_000 * frame.length,
      ]);
      expect(source.stats()).toEqual({ received: 100_000, dropped: 0, unread: 0, freezes: 0 });
    });

    test("poll hands on each frame as it was sent, tags included, with its time and length", () => {
      using source = open({ backend });
      using sender = new FrameSender("left");
      const frames = [
        ...Object.values(TAGS).map((between) => udpFrame({ between })),
        udpFrame({ payload: 1400 }),
        udpFrame({ version: 6, between: TAGS.customer }),
        udpFrame().subarray(0, 14),
      ];
      const before = Date.now() * 1000;
      for (const frame of frames) sender.send(frame);
      const tally = new Tally();
      tally.until(source, frames.length);
      expect(tally.frames).toEqual(frames);
      expect(tally.lengths).toEqual(frames.map(({ length }) => length));
      for (const time of tally.times) {
        expect(time).toBeWithin(before - 1000, Date.now() * 1000 + 1000);
        expect(Number.isInteger(time)).toBe(true);
      }
    });

    test("openLive cuts frames to snaplen, tag included, and tells their length on the wire", () => {
      using source = open({ backend, snaplen: 50 });
      using sender = new FrameSender("left");
      const [plain, tagged] = [udpFrame(), udpFrame({ between: TAGS.customer })];
      sender.send(plain);
      sender.send(tagged);
      const tally = new Tally();
      tally.until(source, 2);
      expect(tally.frames).toEqual([plain.slice(0, 50), tagged.slice(0, 50)]);
      expect(tally.lengths).toEqual([plain.length, tagged.length]);
    });

    test("openLive takes only what the filter passes, and counts nothing else", () => {
      using source = open({ backend, filter: "udp dst port 53" });
      using sender = new FrameSender("left");
      for (let i = 0; i < 1000; i++) sender.send(udpFrame({ targetPort: i % 2 ? 53 : 123 }));
      const tally = new Tally({ keep: false });
      source.drain(tally.take);
      expect([tally.count, source.stats()]).toEqual([
        500,
        { received: 500, dropped: 0, unread: 0, freezes: 0 },
      ]);
    });

    test("openLive filters by a VLAN tag that the kernel took out of the frame", () => {
      using source = open({ backend, filter: "vlan 5 and udp dst port 53" });
      using sender = new FrameSender("left");
      const tagged = udpFrame({ between: TAGS.customer });
      sender.send(udpFrame());
      sender.send(tagged);
      sender.send(udpFrame({ between: TAGS.customer, targetPort: 123 }));
      const tally = new Tally();
      source.drain(tally.take);
      expect(tally.frames).toEqual([tagged]);
    });

    test("openLive sees what goes out as well, and on the loopback interface each frame once", () => {
      using right = open({ backend });
      using loopback = open({ backend, interface: "lo" });
      using outward = new FrameSender("right");
      using inner = new FrameSender("lo");
      for (let i = 0; i < 10; i++) {
        outward.send(udpFrame());
        inner.send(udpFrame());
      }
      const [there, here] = [new Tally(), new Tally()];
      right.drain(there.take);
      loopback.drain(here.take);
      expect([there.count, here.count, loopback.linkType]).toEqual([10, 10, 1]);
    });

    test("drain and close end a capture under load with every frame accounted for", async () => {
      await using _ = new Flood("left");
      const source = open({ backend });
      const tally = new Tally({ keep: false });
      let kept: Uint8Array = new Uint8Array(0);
      tally.until(source, 1000);
      source.drain((batch) => {
        kept = batch.bytes;
        tally.take(batch);
      });
      const drained = source.stats();
      expect([drained.received, drained.unread]).toEqual([tally.count, 0]);
      const before = arrived();
      Bun.sleepSync(50);
      expect(arrived()).toBeGreaterThan(before);
      // Only the ring can stop what comes in; libpcap goes on to count what it drops.
      if (backend === "ring") expect(source.stats()).toEqual(drained);
      source.close();
      expect(tally.count).toBeGreaterThan(1000);
      // A view that was kept against the rules may be read: that must not end the process.
      expect(kept.length).toBeGreaterThan(0);
      expect(kept.reduce((sum, byte) => sum | byte, 0)).toBeGreaterThanOrEqual(0);
      source.close();
      expect(source.poll(0, tally.take) + source.drain(tally.take)).toBe(0);
    });

    test("poll says when the interface is down, and goes on when it is up again", () => {
      using source = open({ backend });
      const tally = new Tally();
      const settle = (state: LiveState): void => {
        const end = performance.now() + 5_000;
        while (source.state !== state && performance.now() < end) source.poll(20, tally.take);
        expect(source.state).toBe(state);
      };
      network.ip("link set right down");
      settle("down");
      network.ip("link set right up");
      settle("up");
      sendUntilSeen(source, tally);
      expect(tally.count).toBeGreaterThan(0);
    });

    test("poll says when the interface is gone; reopen takes the next of its name and counts on", () => {
      using source = open({ backend });
      const tally = new Tally();
      sendUntilSeen(source, tally);
      const before = tally.count;
      network.ip("link del right");
      const end = performance.now() + 5_000;
      while (source.state !== "gone" && performance.now() < end) source.poll(20, tally.take);
      expect([source.state, source.reopen()]).toEqual(["gone", false]);
      expect(source.poll(1, tally.take)).toBe(0);
      network.connect();
      expect([source.reopen(), source.state]).toEqual([true, "up"]);
      sendUntilSeen(source, tally);
      source.drain(tally.take);
      expect(before).toBeGreaterThan(0);
      expect(tally.count).toBeGreaterThan(before);
      expect(source.stats()).toEqual({ received: tally.count, dropped: 0, unread: 0, freezes: 0 });
    });
  });

  test("openLive through the ring accounts for each frame that did not fit", () => {
    using source = open({ ringBytes: MIB });
    using sender = new FrameSender("left");
    for (let i = 0; i < 5_000; i++) sender.send(udpFrame({ payload: 900 }));
    const full = source.stats();
    expect(full.received).toBe(0);
    expect(full.dropped + full.unread).toBe(5_000);
    expect(full.dropped).toBeGreaterThan(3_000);
    expect(full.freezes).toBeGreaterThan(0);
    const tally = new Tally({ keep: false });
    source.drain(tally.take);
    const { received, dropped, unread } = source.stats();
    expect([received, dropped, unread]).toEqual([tally.count, full.dropped, 0]);
    expect(received + dropped).toBe(5_000);
  });

  test("stats after close tells of the frames that nobody read", () => {
    const source = open();
    using sender = new FrameSender("left");
    for (let i = 0; i < 100; i++) sender.send(udpFrame());
    source.close();
    expect(source.stats()).toEqual({ received: 0, dropped: 0, unread: 100, freezes: 0 });
  });

  test("poll takes no more blocks than it was told", () => {
    using source = open({ ringBytes: MIB });
    using sender = new FrameSender("left");
    for (let i = 0; i < 900; i++) sender.send(udpFrame({ payload: 900 }));
    const tally = new Tally({ keep: false });
    // A block of 128 KiB holds some 120 of these frames.
    expect(source.poll(100, tally.take, 1)).toBeWithin(100, 150);
    expect(source.poll(100, tally.take, 2)).toBeWithin(200, 300);
  });

  test("openLive opens an interface that is down, and captures when it comes up", () => {
    network.ip("link set right down");
    using source = open();
    expect(source.state).toBe("down");
    const tally = new Tally();
    expect(source.poll(1, tally.take)).toBe(0);
    network.ip("link set right up");
    sendUntilSeen(source, tally);
    source.poll(100, tally.take);
    expect([tally.count > 0, source.state]).toEqual([true, "up"]);
  });

  test("openLive through libpcap captures on all interfaces with any", () => {
    using source = open({ interface: "any" });
    using sender = new FrameSender("left");
    sender.send(udpFrame());
    const tally = new Tally();
    tally.until(source, 2);
    // LINKTYPE_LINUX_SLL: once as it leaves, once as it comes in.
    expect([source.backend, source.linkType, tally.count]).toEqual(["libpcap", 113, 2]);
  });

  test("openLive names the interfaces there are when there is none of the name", () => {
    expect(failureOf({ interface: "tap9" })).toEqual({
      code: "ERR_CAPTURE",
      exitCode: 66,
      message: expect.stringMatching(/^tap9: no such interface; there are lo, .*right/),
    });
  });

  test.each([
    [{ filter: "port port" }, '--filter: filter "port port": '],
    [{ ringBytes: 1000 }, "--ring: bytes: expected a whole number from 1048576 to 2147483648"],
    [{ snaplen: 0 }, "--snaplen: expected a whole number from 1 to 262144, got 0"],
    [{ interface: "any", backend: "ring" }, "--backend ring: it captures on one interface"],
    [{ backend: "libpcap", fanout: { group: 1, workers: 2 } }, "--workers: libpcap captures"],
  ] as const)("openLive rejects %j by the option's name", (options, message) => {
    expect(failureOf({ interface: "right", ...options })).toEqual({
      code: "ERR_USAGE",
      exitCode: 64,
      message: expect.stringContaining(message),
    });
  });

  test.each(["ring", "libpcap"])("openLive without permission tells the cure (%s)", (backend) => {
    const code = `import { openLive } from "${import.meta.dir}/index.ts";
      import { dlopen } from "bun:ffi";
      const { setuid } = dlopen("libc.so.6", { setuid: { args: ["u32"], returns: "i32" } }).symbols;
      try { openLive({ interface: "lo", backend: "libpcap" }).close(); } catch {}
      setuid(65534);
      try { openLive({ interface: "right", backend: "${backend}" }); }
      catch (error) { console.log(error.code, error.exitCode, error.message); }`;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", code]);
    expect(stdout.toString()).toStartWith(
      "ERR_CAPTURE 77 right: no permission to capture: run as root, or with the capability CAP_NET_RAW",
    );
  });
});
