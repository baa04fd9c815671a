// SPDX-License-Identifier: BSD-3-Clause
import { Decoding } from "../collectors/ipfix/decoding.ts";
import { ExportTraffic } from "../collectors/ipfix/export-traffic.ts";
import type { Merge } from "../core/merge.ts";
import type { PacketDecoder } from "../core/packet/decoder.ts";
import type { FrameBatch } from "../core/packet/frames.ts";
import { SECOND } from "../core/unirec/time.ts";
import { CollectedFlows } from "./collected-flows.ts";
import type { PluginPlan } from "./plugins.ts";

/** Ports that flows are exported to: IPFIX's and sFlow's own, and those that exporters and collectors of NetFlow have by default. */
const PORTS = [2055, 2056, 4432, 4739, 6343, 9025, 9555, 9995, 9996];
/** Microseconds that an exported flow may come after its end. */
const LATE = 300 * SECOND;

/** Flows that exporters tell of inside a capture: decoded as well, beside those that the meter sees. */
export class ExportedFlows {
  readonly #name: string;
  readonly #plugins: PluginPlan | undefined;
  readonly #merges: readonly Merge[];
  readonly #traffic: ExportTraffic;
  #flows: CollectedFlows | undefined;
  #decoding: Decoding | undefined;

  constructor(name: string, plugins: PluginPlan | undefined, merges: readonly Merge[]) {
    this.#name = name;
    this.#plugins = plugins;
    this.#merges = merges;
    this.#traffic = new ExportTraffic((view, exporter, length, arrivedAt) => {
      this.#decoding ??= this.#begin();
      this.#decoding.datagram(view, exporter, length, arrivedAt);
    }, PORTS);
  }

  #begin(): Decoding {
    this.#flows = new CollectedFlows(this.#name, this.#plugins, this.#merges);
    return new Decoding(this.#flows.sink);
  }

  /** Look for messages among packets. */
  readonly packets = (packets: PacketDecoder, frames: FrameBatch): void => {
    this.#traffic.take(packets, frames);
    this.#flows?.advance(packets.time[packets.count - 1]! - LATE);
  };

  /** What was decoded; undefined while there was nothing. */
  get counts(): Readonly<Record<string, number>> | undefined {
    return this.#decoding && { ...this.#traffic.counts, ...this.#decoding.counts };
  }

  end(): void {
    this.#flows?.end();
  }
}
