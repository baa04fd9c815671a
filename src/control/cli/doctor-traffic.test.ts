// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { udpFrame } from "../../collectors/live/testing/frames.ts";
import { FrameSender, Network, networkObstacle } from "../../collectors/live/testing/network.ts";
import {
  type Bytes,
  batchOf,
  ETHERTYPE,
  ethernet,
  ipv4,
  PROTOCOL,
  tcp,
  vlan,
} from "../../core/packet/test-kit.ts";
import { captureFindings, type Traffic, TrafficCount, trafficFindings } from "./doctor-traffic.ts";
import { type Finding, findingLine } from "./finding.ts";
import { MAIN } from "./testing/command-line.ts";

const SYN = 2;
const ACK = 0x10;
const CLIENT = { source: "192.0.2.1", target: "198.51.100.1" };
const SERVER = { source: CLIENT.target, target: CLIENT.source };
const BROADCAST: Bytes = [255, 255, 255, 255, 255, 255];

/** The link layer around an IP packet. */
type Tag = (packet: Bytes) => Bytes;
const bare: Tag = (packet) => ethernet(ETHERTYPE.ipv4, packet);
const inVlan =
  (id: number): Tag =>
  (packet) =>
    ethernet(ETHERTYPE.vlan, vlan(id, ETHERTYPE.ipv4, packet));

const asks = (port: number, flags = ACK): Bytes =>
  ipv4(tcp(port, 443, flags), { ...CLIENT, protocol: PROTOCOL.tcp });
const answers = (port: number, flags = ACK): Bytes =>
  ipv4(tcp(443, port, flags), { ...SERVER, protocol: PROTOCOL.tcp });

/** Packets of so many connections. */
const each = (connections: number, packet: (port: number) => Bytes): Bytes[] =>
  Array.from({ length: connections }, (_, index) => packet(10_000 + index));

function seen(frames: readonly Bytes[], dropped = 0): Traffic {
  const count = new TrafficCount();
  if (frames.length > 0) count.frames(batchOf(frames));
  return count.total("tap0", 5, dropped);
}

/** What is not ok, as it is read. */
const wrong = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== "ok").map(findingLine);
const said = (...frames: Bytes[]): string[] => wrong(trafficFindings(seen(frames)));
const all = (...frames: Bytes[]): string[] => trafficFindings(seen(frames)).map(findingLine);

const there = (tag: Tag, connections = 20): Bytes[] => each(connections, (port) => tag(asks(port)));
const back = (tag: Tag, connections = 20): Bytes[] =>
  each(connections, (port) => tag(answers(port)));

describe("trafficFindings", () => {
  test("trafficFindings finds nothing wrong where both directions arrive, and says what was seen", () => {
    expect(all(...there(bare), ...back(bare))).toEqual([
      "ok    tap0: 40 frames in 5 s",
      "ok    tap0: 20 of 20 TCP connections show both directions",
      "ok    tap0: no frame has a VLAN tag",
      "ok    tap0: no frame was dropped while looking",
    ]);
  });

  test("trafficFindings says the cure when nothing arrives, and no more", () => {
    expect(all()).toEqual([
      "BAD   tap0: nothing arrived in 5 s: look at the mirror port: is it on, does its cable end here? A virtual switch has to allow promiscuous mode",
    ]);
  });

  test("trafficFindings knows a port that is no mirror port by its broadcasts", () => {
    const arp = [...BROADCAST, 2, 0, 0, 0, 0, 1, 8, 6, ...new Array<number>(46).fill(0)];
    expect(said(arp, arp)[0]).toStartWith(
      "BAD   tap0: only broadcasts and multicasts arrive, as at any port of a switch: make it the target of a mirror port",
    );
  });

  test("trafficFindings says that frames carry no IP", () => {
    const lldp = ethernet(0x88cc, new Array<number>(46).fill(0));
    expect(said(lldp)[0]).toStartWith("BAD   tap0: no frame carries IP: mirror ports");
  });

  test("trafficFindings says the cure for one direction only", () => {
    expect(said(...there(bare, 40), ...back(bare, 3))).toEqual([
      "BAD   tap0: one direction only: 3 of 40 TCP connections show both directions: mirror rx and tx; join the two lines of a tap by a bond, and capture on that",
    ]);
  });

  test("trafficFindings notes that many connections come by halves", () => {
    expect(said(...there(bare, 40), ...back(bare, 10))[0]).toStartWith(
      "note  tap0: only 10 of 40 TCP connections show both directions: traffic that takes two ways",
    );
  });

  test("trafficFindings takes a scan, answered or not, for no missing direction", () => {
    const scan = each(100, (port) => bare(asks(port, SYN)));
    const refused = each(100, (port) => bare(answers(port, ACK | 4)));
    expect(said(...scan, ...refused)).toEqual([]);
    expect(all(...scan)[1]).toContain("too few TCP connections to tell");
  });

  test("trafficFindings lists VLANs", () => {
    const frames = [...there(inVlan(20)), ...back(inVlan(20)), inVlan(7)(asks(2)), bare(asks(1))];
    expect(all(...frames)).toContain("ok    tap0: frames of VLAN 7, 20, and frames without a tag");
    const many = Array.from({ length: 10 }, (_, index) => inVlan(index + 1)(asks(1)));
    expect(all(...many)).toContain("ok    tap0: frames of VLAN 1, 2, 3, 4, 5, 6, 7, 8, and 2 more");
  });

  test("trafficFindings says the cure for directions in different VLANs", () => {
    const cure = "vlanInKey = false in [meter], or mirror both directions alike";
    const lie = "lie in different ones, each a flow of its own";
    expect(said(...there(inVlan(10)), ...back(inVlan(11)))).toEqual([
      `BAD   tap0: frames of VLAN 10, 11; the directions of 20 connections ${lie}: ${cure}`,
    ]);
    expect(said(...there(inVlan(10)), ...back(bare))).toEqual([
      `BAD   tap0: frames of VLAN 10, and frames without a tag; the directions of 20 connections ${lie}: ${cure}`,
    ]);
  });

  test("trafficFindings takes connections that a router carries from VLAN to VLAN for whole", () => {
    const [a, b] = [inVlan(10), inVlan(11)];
    expect(said(...there(a), ...there(b), ...back(b), ...back(a))).toEqual([]);
  });

  test("trafficFindings says the cure for frames that were dropped", () => {
    expect(wrong(trafficFindings(seen([...there(bare), ...back(bare)], 1234)))).toEqual([
      "note  tap0: 1,234 frames were dropped while looking: more workers, or a larger ring, in [[sources]]; or mirror less",
    ]);
  });
});

describe("captureFindings", () => {
  const source = (dropped: number) => ({
    name: "tap0",
    meter: { packets: 5000, bytes: 0, flows: 0, live: 0 },
    capture: { dropped, state: "up" },
  });

  test("captureFindings says what a capture that runs has lost, of this interface alone", () => {
    expect(
      captureFindings("tap0", [source(0), { ...source(7), name: "tap1" }]).map(findingLine),
    ).toEqual(["ok    tap0: Nemean runs, and has metered 5,000 packets; the kernel dropped none"]);
    expect(wrong(captureFindings("tap0", [source(7)]))).toEqual([
      "note  tap0: Nemean runs, and has metered 5,000 packets; the kernel dropped 7: more workers, or a larger ring, in [[sources]]; or mirror less",
    ]);
  });
});

const obstacle = networkObstacle();

describe(`doctor on an interface${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  /** What doctor finds at one end of a cable while the other says something, or nothing. */
  async function look(frame?: Uint8Array): Promise<Finding[]> {
    using _ = new Network();
    using sender = new FrameSender("left");
    const command = ["doctor", "-I", "right", "--seconds", "1", "--json"];
    const child = Bun.spawn([process.execPath, MAIN, ...command], { stdout: "pipe" });
    const talk = setInterval(() => frame && sender.send(frame), 20);
    const findings: Finding[] = JSON.parse(await child.stdout.text());
    clearInterval(talk);
    await child.exited;
    return findings;
  }
  const levelOf = (findings: readonly Finding[], check: string) =>
    findings.find((each) => each.check === check)?.level;

  test.skipIf(obstacle !== undefined)(
    "doctor says that nothing arrives",
    async () => {
      expect(levelOf(await look(), "traffic")).toBe("BAD");
    },
    20_000,
  );

  test.skipIf(obstacle !== undefined)(
    "doctor sees what arrives",
    async () => {
      const findings = await look(udpFrame());
      expect(levelOf(findings, "traffic")).toBe("ok");
      expect(levelOf(findings, "vlans")).toBe("ok");
    },
    20_000,
  );
});
