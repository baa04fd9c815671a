// SPDX-License-Identifier: BSD-3-Clause

import { Batch } from "../batch.ts";
import { MetadataEngine } from "../metadata/engine.ts";
import type { PluginGroup } from "../metadata/group.ts";
import type { PluginOptions } from "../metadata/protocol.ts";
import { PacketDecoder } from "../packet/decoder.ts";
import type { FrameBatch } from "../packet/frames.ts";
import { OutputPort } from "../port.ts";
import { type AnyReader, reader } from "../unirec/reader.ts";
import { SECOND } from "../unirec/time.ts";
import { FLOWS, FlowEncoder, type Observation } from "./flows.ts";
import { ACTIVE_MAX, END_REASON, HOT, HOT_SHIFT } from "./record.ts";
import { FlowTable } from "./table.ts";

export interface MeterOptions extends Observation {
  /** Active timeout, seconds. */
  readonly active?: number;
  /** Idle timeout, seconds. */
  readonly idle?: number;
  /** Seconds a TCP connection that ended waits for stragglers before it is exported; the idle timeout when left out. */
  readonly linger?: number;
  /** Seconds after its first packet at which a flow of one packet, or of SYNs without answer, is exported; off when 0 or left out. */
  readonly brief?: number;
  /** Most flows at once. */
  readonly flowsMax?: number;
  /** Whether the outer VLAN id is part of the flow key. */
  readonly vlanInKey?: boolean;
  /** Whether the inner header of a tunnel is the flow key. */
  readonly tunnels?: boolean;
  /** What travels in the flows: plugins, and the outputs that send what they find. */
  readonly metadata?: MetadataOptions;
}

export interface MetadataOptions extends PluginOptions {
  readonly groups: readonly PluginGroup[];
}

export const METER_DEFAULTS = { active: 300, idle: 30, flowsMax: 1 << 22 } as const;
/** What live capture sets beside them, so that alerts come in time. */
export const LIVE_DEFAULTS = { linger: 5, brief: 5 } as const;

/** What the meter has counted. Packets = in flows + ignored. */
export interface MeterStats {
  readonly packets: number;
  /** Bytes on the wire. */
  readonly bytes: number;
  /** Packets that are not in a flow, by reason. */
  readonly ignored: {
    readonly nonIp: number;
    readonly malformed: number;
    readonly unknownLink: number;
  };
  /** Flows sent, by flowEndReason. */
  readonly flows: number;
  readonly ended: Readonly<Record<keyof typeof END_REASON, number>>;
  readonly live: number;
  readonly peak: number;
  readonly evicted: number;
  readonly fragments: number;
  readonly fragmentsUnmatched: number;
  /** Times that capture time went back by more than the active timeout. */
  readonly clockJumps: number;
  /** Flows in which a plugin found something, by plugin. */
  readonly found?: Readonly<Record<string, number>>;
  /** Packets that broke the rules of a plugin's protocol, by plugin. */
  readonly malformed?: Readonly<Record<string, number>>;
}

/**
 * The Metering Process (RFC 7011): frames in, biflows out on the port `flows`.
 *
 * Capture time is the only clock. At each whole second the table is swept and the output gets a watermark:
 * since a flow leaves at latest when its idle timeout has passed, no later record ends before that.
 */
export class Meter {
  readonly flows: OutputPort;
  /** The outputs of plugin groups, by name: a basic flow and the group's fields. */
  readonly groups: readonly OutputPort[];
  /** Told of each batch of packets, before they are accounted. */
  onPackets: ((packets: PacketDecoder, frames: FrameBatch) => void) | undefined;
  readonly #metadata: MetadataEngine | undefined;
  readonly #decoder: PacketDecoder;
  readonly #table: FlowTable;
  readonly #idle: number;
  readonly #active: number;
  readonly #ended = new Float64Array(6);
  #packets = 0;
  #bytes = 0;
  /** The next whole second of capture time; 0 before the first packet. */
  #boundary = 0;
  #clockJumps = 0;

  constructor(options: MeterOptions = {}) {
    this.#idle = (options.idle ?? METER_DEFAULTS.idle) * SECOND;
    this.#active = Math.min((options.active ?? METER_DEFAULTS.active) * SECOND, ACTIVE_MAX);
    this.flows = new OutputPort("flows", FLOWS);
    const { metadata } = options;
    const arp = metadata?.groups.some(({ protocols }) => protocols.some(({ watch }) => watch.arp));
    this.#decoder = new PacketDecoder({ ...options, arp: arp ?? false });
    const encoder = new FlowEncoder(this.flows, options);
    this.#metadata = metadata && new MetadataEngine(metadata.groups, metadata);
    this.groups = this.#metadata?.outputs ?? [];
    const metadataEnd = this.#metadata && endOf(this.#metadata, options);
    this.#table = new FlowTable(
      {
        active: this.#active,
        idle: this.#idle,
        capacity: options.flowsMax ?? METER_DEFAULTS.flowsMax,
        ...(options.linger === undefined ? {} : { linger: options.linger * SECOND }),
        ...(options.brief ? { brief: options.brief * SECOND } : {}),
      },
      (record, reason) => {
        this.#ended[reason]!++;
        if (this.flows.linked || !metadataEnd) encoder.encode(this.#table, record, reason);
        metadataEnd?.(this.#table, record, reason);
      },
      this.#metadata,
    );
  }

  /** Account a batch of frames. */
  readonly frames = (frames: FrameBatch): void => {
    this.#packets += frames.count;
    for (let i = 0; i < frames.count; i++) this.#bytes += frames.length[i]!;
    const packets = this.#decoder;
    packets.decode(frames);
    this.onPackets?.(packets, frames);
    const { time, count } = packets;
    let from = 0;
    for (let m = 0; m < count; m++) {
      const now = time[m]!;
      if (now < this.#boundary && !this.#isBack(now)) continue;
      this.#table.update(packets, frames, from, m);
      from = m;
      this.#cross(now);
    }
    this.#table.update(packets, frames, from, count);
  };

  /**
   * Capture time has come to `now` (microseconds since 1970), with or without packets: without any, too, since
   * event time is the least of all meters'. A clock that was set back ends what was observed, as packets of then do.
   */
  advance(now: number): void {
    if (now >= this.#boundary || this.#isBack(now)) this.#cross(now);
  }

  /** Whether time went back by more than what comes out of order. */
  #isBack(now: number): boolean {
    return now < this.#boundary - SECOND - this.#active;
  }

  #cross(now: number): void {
    const second = Math.floor(now / SECOND) * SECOND;
    if (this.#boundary === 0) {
      this.#boundary = second + SECOND;
      return;
    }
    if (now < this.#boundary) {
      // Time went back, as when a file is followed by an older one: what was observed has ended.
      this.#clockJumps++;
      this.#table.flush();
      this.#boundary = second + SECOND;
      return;
    }
    // Second by second, so that when flows leave does not depend on which packets woke the meter.
    while (this.#boundary <= second && this.#table.live > 0) {
      this.#table.sweep(this.#boundary);
      this.#advance(this.#boundary - this.#idle - SECOND);
      this.#boundary += SECOND;
    }
    this.#boundary = second + SECOND;
    this.#advance(second - this.#idle - SECOND);
  }

  /** Export what is in the table and end the outputs. */
  end(): void {
    this.#table.flush();
    this.flows.end();
    for (const port of this.groups) port.end();
  }

  #advance(watermark: number): void {
    this.flows.advance(watermark);
    for (const port of this.groups) port.advance(watermark);
  }

  stats(): MeterStats {
    const { nonIp, malformed, unknownLink, fragments } = this.#decoder;
    const count = (reason: number): number => this.#ended[reason]!;
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      ignored: { nonIp, malformed, unknownLink },
      flows: this.#ended.reduce((sum, count) => sum + count),
      ended: {
        idle: count(END_REASON.idle),
        active: count(END_REASON.active),
        end: count(END_REASON.end),
        forced: count(END_REASON.forced),
        resources: count(END_REASON.resources),
      },
      live: this.#table.live,
      peak: this.#table.peak,
      evicted: this.#table.evicted,
      fragments: fragments.fragments,
      fragmentsUnmatched: fragments.unmatched,
      clockJumps: this.#clockJumps,
      ...(this.#metadata && {
        found: { ...this.#metadata.found },
        malformed: { ...this.#metadata.malformed },
      }),
    };
  }
}

/** Hands a flow that ends to the engine, as its basic record. */
function endOf(engine: MetadataEngine, options: Observation) {
  const batch = new Batch();
  const encoder = new FlowEncoder({ room: () => batch }, options);
  const cursor = reader(FLOWS) as AnyReader;
  return (table: FlowTable, record: number, reason: number): void => {
    batch.clear();
    encoder.encode(table, record, reason);
    cursor.reset(batch);
    cursor.next();
    engine.end(table.hot[(record << HOT_SHIFT) + HOT.side]!, cursor);
  };
}
