// SPDX-License-Identifier: BSD-3-Clause
import { ExportTraffic } from "../collectors/ipfix/export-traffic.ts";
import { FlowCollector } from "../core/ipfix/collect/flow-collector.ts";
import type { Merge } from "../core/merge.ts";
import type { PacketDecoder } from "../core/packet/decoder.ts";
import type { FrameBatch } from "../core/packet/frames.ts";
import { SECOND } from "../core/unirec/time.ts";
import { CollectedFlows } from "./collected-flows.ts";
import type { PluginPlan } from "./plugins.ts";

/** Ports that flows are exported to: IPFIX's own, and those that exporters and collectors of NetFlow have by default. */
const PORTS = [2055, 2056, 4432, 4739, 9025, 9555, 9995, 9996];
/** Microseconds that an exported flow may come after its end. */
const LATE = 300 * SECOND;

/** Flows that exporters tell of inside a capture: decoded as well, beside those that the meter sees. */
export class ExportedFlows {
  readonly #name: string;
  readonly #plugins: PluginPlan | undefined;
  readonly #merges: readonly Merge[];
  readonly #traffic: ExportTraffic;
  #flows: CollectedFlows | undefined;
  #collector: FlowCollector | undefined;

  constructor(name: string, plugins: PluginPlan | undefined, merges: readonly Merge[]) {
    this.#name = name;
    this.#plugins = plugins;
    this.#merges = merges;
    this.#traffic = new ExportTraffic((view, exporter, length) => {
      this.#collector ??= this.#begin();
      this.#collector.message(view, exporter, length);
    }, PORTS);
  }

  #begin(): FlowCollector {
    this.#flows = new CollectedFlows(this.#name, this.#plugins, this.#merges);
    return new FlowCollector(this.#flows.sink);
  }

  /** Look for messages among packets. */
  readonly packets = (packets: PacketDecoder, frames: FrameBatch): void => {
    this.#traffic.take(packets, frames);
    this.#flows?.advance(packets.time[packets.count - 1]! - LATE);
  };

  /** What was decoded; undefined while there was nothing. */
  get counts(): Readonly<Record<string, number>> | undefined {
    if (!this.#collector) return undefined;
    const { counts, held, sequences } = this.#collector.decoder;
    return {
      ...this.#traffic.counts,
      messages: counts.messages,
      messages_foreign: counts.foreign,
      malformed: counts.malformed,
      records: counts.records,
      option_records: counts.optionRecords,
      sequence_lost: sequences.lost,
      sets_without_template: held.dropped + held.size,
    };
  }

  end(): void {
    this.#flows?.end();
  }
}
