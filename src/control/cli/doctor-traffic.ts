// SPDX-License-Identifier: BSD-3-Clause
/** What arrives at a tap, looked at for some seconds: whether it is what a mirror port should give. @module */
import { openLive } from "../../collectors/live/index.ts";
import { PacketDecoder } from "../../core/packet/decoder.ts";
import type { FrameBatch } from "../../core/packet/frames.ts";
import { ROW, WORD } from "../../core/packet/row.ts";
import { bad, type Finding, note, ok } from "./finding.ts";
import type { Answers } from "./local-api.ts";
import { grouped } from "./terminal.ts";

/** What was seen of the frames at an interface. */
export interface Traffic {
  readonly name: string;
  readonly seconds: number;
  readonly frames: number;
  /** Frames that the kernel dropped while they were looked at. */
  readonly dropped: number;
  /** Frames to one receiver: a mirror port has them, an ordinary one few. */
  readonly unicast: number;
  /** Frames that carry IP. */
  readonly ip: number;
  /** Frames by VLAN, {@link UNTAGGED} for none. */
  readonly vlans: ReadonlyMap<number, number>;
  /** TCP connections with data or acknowledgements: there has to be an other direction. */
  readonly connections: number;
  /** Those of which both directions were seen. */
  readonly bothWays: number;
  /** Those whose directions share no VLAN. */
  readonly split: number;
}

/** Connections that are remembered; what comes later is counted in frames only. */
const CONNECTIONS_MAX = 1 << 16;
/** VLANs of a connection's direction that are remembered: where routers are mirrored, it has several. */
const VLANS_MAX = 4;
const UNTAGGED = -1;
const ETHERNET = 1;
const TCP = 6;
const SYN_OR_RST = 0x06;
const ACK = 0x10;

/** The VLANs that a connection's directions were seen in. */
interface Connection {
  readonly low: Set<number>;
  readonly high: Set<number>;
}

/** Counts frames; `frames` takes a batch. */
export class TrafficCount {
  // Without VLAN in the key, so that a connection is one whatever its directions are tagged with.
  readonly #decoder = new PacketDecoder({ vlanInKey: false });
  readonly #connections = new Map<number, Connection>();
  readonly #vlans = new Map<number, number>();
  #frames = 0;
  #unicast = 0;
  #ip = 0;

  readonly frames = (frames: FrameBatch): void => {
    const decoder = this.#decoder;
    decoder.decode(frames);
    this.#frames += frames.count;
    this.#ip += decoder.count;
    for (let i = 0; i < frames.count; i++) {
      if (frames.linkType !== ETHERNET || (frames.bytes[frames.start[i]!]! & 1) === 0)
        this.#unicast++;
      const vlan = vlanOf(frames, i);
      this.#vlans.set(vlan, (this.#vlans.get(vlan) ?? 0) + 1);
    }
    for (let m = 0; m < decoder.count; m++) this.#packet(decoder.rows, m * ROW, frames);
  };

  #packet(rows: Int32Array, z: number, frames: FrameBatch): void {
    const flags = rows[z + WORD.tcpFlags]!;
    if ((rows[z + WORD.kind]! & 255) !== TCP || (flags & (SYN_OR_RST | ACK)) !== ACK) return;
    const connection = this.#connection(rows[z + WORD.hash]!);
    const seen = rows[z + WORD.direction] === 0 ? connection?.low : connection?.high;
    if (seen && seen.size < VLANS_MAX) seen.add(vlanOf(frames, rows[z + WORD.frame]!));
  }

  #connection(key: number): Connection | undefined {
    const known = this.#connections.get(key);
    if (known !== undefined || this.#connections.size >= CONNECTIONS_MAX) return known;
    const connection = { low: new Set<number>(), high: new Set<number>() };
    this.#connections.set(key, connection);
    return connection;
  }

  /** What was seen, with what its source says. */
  total(name: string, seconds: number, dropped: number): Traffic {
    let bothWays = 0;
    let split = 0;
    for (const { low, high } of this.#connections.values()) {
      if (low.size === 0 || high.size === 0) continue;
      bothWays++;
      if (low.isDisjointFrom(high)) split++;
    }
    return {
      ...{ name, seconds, dropped, bothWays, split },
      ...{ frames: this.#frames, unicast: this.#unicast, ip: this.#ip, vlans: this.#vlans },
      connections: this.#connections.size,
    };
  }
}

/** The outer VLAN of a frame. */
function vlanOf({ view, start, captured, linkType }: FrameBatch, i: number): number {
  if (linkType !== ETHERNET || captured[i]! < 18) return UNTAGGED;
  const type = view.getUint16(start[i]! + 12);
  return type === 0x8100 || type === 0x88a8 ? view.getUint16(start[i]! + 14) & 0xfff : UNTAGGED;
}

const POLL_MS = 100;

/**
 * Look at an interface for so many seconds. A capture that runs on it goes on undisturbed.
 * @throws {NemeanError} ERR_CAPTURE when it cannot be captured on, exit code 77 without permission
 */
export function lookAtTraffic(name: string, seconds: number): Traffic {
  using source = openLive({ interface: name });
  const count = new TrafficCount();
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) source.poll(POLL_MS, count.frames);
  source.drain(count.frames);
  return count.total(name, seconds, source.stats().dropped);
}

/** Fewer connections say nothing about directions. */
const CONNECTIONS_MIN = 10;
const VLANS_TOLD = 8;

/** What is wrong with what arrives, and the cure. */
export function trafficFindings(traffic: Traffic): Finding[] {
  const { name, seconds, frames, unicast, ip } = traffic;
  if (frames === 0)
    return [
      bad(
        "traffic",
        `${name}: nothing arrived in ${seconds} s`,
        "look at the mirror port: is it on, does its cable end here? A virtual switch has to allow promiscuous mode",
      ),
    ];
  const found = [ok("traffic", `${name}: ${grouped(frames)} frames in ${seconds} s`)];
  if (unicast === 0)
    found.push(
      bad(
        "mirror",
        `${name}: only broadcasts and multicasts arrive, as at any port of a switch`,
        "make it the target of a mirror port; a virtual switch has to allow promiscuous mode",
      ),
    );
  else if (ip === 0)
    found.push(
      bad("mirror", `${name}: no frame carries IP`, "mirror ports that carry users' traffic"),
    );
  return [...found, ...directions(traffic), ...vlans(traffic), ...drops(traffic)];
}

/** A few connections may end as one begins to look: most have to be one-sided. */
function directions({ name, connections, bothWays }: Traffic): Finding[] {
  const shown = `${grouped(bothWays)} of ${grouped(connections)} TCP connections show both directions`;
  if (connections < CONNECTIONS_MIN)
    return [
      ok("directions", `${name}: too few TCP connections to tell whether both directions arrive`),
    ];
  if (bothWays * 10 < connections)
    return [
      bad(
        "directions",
        `${name}: one direction only: ${shown}`,
        "mirror rx and tx; join the two lines of a tap by a bond, and capture on that",
      ),
    ];
  if (bothWays * 2 < connections)
    return [
      note(
        "directions",
        `${name}: only ${shown}`,
        "traffic that takes two ways has to be mirrored on both",
      ),
    ];
  return [ok("directions", `${name}: ${shown}`)];
}

function vlans({ name, vlans: seen, split, bothWays }: Traffic): Finding[] {
  const tagged = [...seen.keys()].filter((id) => id !== UNTAGGED).toSorted((a, b) => a - b);
  if (tagged.length === 0) return [ok("vlans", `${name}: no frame has a VLAN tag`)];
  const more = tagged.length > VLANS_TOLD ? `, and ${tagged.length - VLANS_TOLD} more` : "";
  const rest = seen.has(UNTAGGED) ? ", and frames without a tag" : "";
  const list = `${name}: frames of VLAN ${tagged.slice(0, VLANS_TOLD).join(", ")}${more}${rest}`;
  if (bothWays >= CONNECTIONS_MIN && split * 10 > bothWays)
    return [
      bad(
        "vlans",
        `${list}; the directions of ${grouped(split)} connections lie in different ones, each a flow of its own`,
        "vlanInKey = false in [meter], or mirror both directions alike",
      ),
    ];
  return [ok("vlans", list)];
}

const LESS = "more workers, or a larger ring, in [[sources]]; or mirror less";

function drops({ name, dropped }: Traffic): Finding[] {
  if (dropped === 0) return [ok("drops", `${name}: no frame was dropped while looking`)];
  return [note("drops", `${name}: ${grouped(dropped)} frames were dropped while looking`, LESS)];
}

/** What a capture that runs on the interface has lost since it began. */
export function captureFindings(
  name: string,
  sources: Answers["/api/v1/stats"]["sources"],
): Finding[] {
  return sources.flatMap(({ name: source, meter, capture }) => {
    if (source !== name || capture === undefined) return [];
    const { dropped } = capture;
    const seen = `${name}: Nemean runs, and has metered ${grouped(meter.packets)} packets`;
    if (dropped === 0) return [ok("capture", `${seen}; the kernel dropped none`)];
    return [note("capture", `${seen}; the kernel dropped ${grouped(dropped)}`, LESS)];
  });
}
