// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openLive } from "./index.ts";
import { type InterfaceReport, interfaceReport, listInterfaces } from "./interfaces.ts";
import { udpFrame } from "./testing/frames.ts";
import { FrameSender, Network, networkObstacle } from "./testing/network.ts";

const obstacle = networkObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
const ETHTOOL = Bun.which("ethtool");

describe.skipIf(obstacle !== undefined)(`interfaces${reason}`, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network[Symbol.dispose]());

  const report = (name: string): InterfaceReport => {
    const found = interfaceReport(name);
    if (!found.exists) throw new Error(`no ${name}`);
    return found;
  };

  test("listInterfaces shows those of this network namespace", () => {
    const summary = listInterfaces().filter(({ name }) => ["lo", "left", "right"].includes(name));
    expect(summary.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: "left", up: true, carrier: true, loopback: false },
      { name: "lo", up: true, carrier: true, loopback: true },
      { name: "right", up: true, carrier: true, loopback: false },
    ]);
  });

  test("interfaceReport says that there is no such interface", () => {
    expect(interfaceReport("tap9")).toEqual({ exists: false, name: "tap9" });
    expect(interfaceReport("a-name-longer-than-any-interface-has").exists).toBe(false);
  });

  test("interfaceReport follows what is set", () => {
    expect(report("right")).toMatchObject({ up: true, mtu: 1500, driver: "veth", speed: 10_000 });
    network.ip("link set right down");
    network.ip("link set right mtu 1400");
    expect(report("right")).toMatchObject({ up: false, carrier: false, mtu: 1400 });
    network.ip("link set right up");
    network.ip("link set right mtu 1500");
  });

  test("interfaceReport tells of promiscuous mode, which a capture switches on and off", () => {
    const source = openLive({ interface: "right", ringBytes: 1 << 20 });
    expect(report("right").promiscuous).toBe(true);
    source.close();
    expect(report("right").promiscuous).toBe(false);
    using quiet = openLive({ interface: "right", ringBytes: 1 << 20, promiscuous: false });
    expect([quiet.state, report("right").promiscuous]).toEqual(["up", false]);
  });

  test("interfaceReport counts frames and bytes", () => {
    const before = report("right").statistics;
    using sender = new FrameSender("left");
    const frame = udpFrame();
    for (let i = 0; i < 7; i++) sender.send(frame);
    const after = report("right").statistics;
    expect(after["rx_packets"]! - before["rx_packets"]!).toBe(7);
    expect(after["rx_bytes"]! - before["rx_bytes"]!).toBe(7 * frame.length);
  });

  test.skipIf(ETHTOOL === null)(
    `interfaceReport follows ethtool${ETHTOOL === null ? " (skipped: it is not installed)" : ""}`,
    () => {
      const switches = { gro: "gro", gso: "gso", tso: "tso", vlanOffload: "rxvlan" } as const;
      for (const [field, name] of Object.entries(switches)) {
        for (const setting of ["off", "on", "off"]) {
          Bun.spawnSync([ETHTOOL!, "-K", "right", name, setting]);
          expect([name, report("right")[field as keyof typeof switches]]).toEqual([
            name,
            setting === "on",
          ]);
        }
      }
    },
  );
});
