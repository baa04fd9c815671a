// SPDX-License-Identifier: BSD-3-Clause
import {
  FlowCollector,
  type FlowCollectorOptions,
  type FlowSink,
} from "../../core/ipfix/collect/flow-collector.ts";
import type { FlowDecoder } from "../../core/ipfix/collect/flow-decoder.ts";
import { SflowCollector } from "../../core/sflow/sflow-collector.ts";
import { isSflow } from "../../core/sflow/structures.ts";
import type { DatagramHandler, MessageHandler } from "./input.ts";

/** Whatever exporters send, decoded into flows: NetFlow, IPFIX and sFlow, told apart by how a datagram begins. */
export class Decoding {
  readonly #collector: FlowCollector;
  readonly #sflow: SflowCollector;

  constructor(sink: FlowSink, options: FlowCollectorOptions = {}) {
    this.#collector = new FlowCollector(sink, options);
    const { mapping, scale } = options;
    this.#sflow = new SflowCollector(sink, {
      ...(mapping === undefined ? {} : { mapping }),
      ...(scale === undefined ? {} : { scale }),
    });
  }

  get decoder(): FlowDecoder {
    return this.#collector.decoder;
  }

  /** Take a message of NetFlow or IPFIX. */
  readonly message: MessageHandler = (view, exporter, length) =>
    this.#collector.message(view, exporter, length);

  /** Take a datagram of either kind. */
  readonly datagram: DatagramHandler = (view, exporter, length, arrivedAt) => {
    if (isSflow(view, 0, length)) this.#sflow.datagram(view, length, arrivedAt);
    else this.#collector.message(view, exporter, length);
  };

  /** All that was counted, by the names of the collector's page. */
  get counts(): Record<string, number> {
    const { counts, sequences, held, templates } = this.decoder;
    const { counts: sflow, agents } = this.#sflow;
    return {
      messages: counts.messages + sflow.datagrams,
      messages_foreign: counts.foreign,
      malformed: counts.malformed + sflow.malformed,
      records: counts.records + sflow.flows,
      option_records: counts.optionRecords,
      flow_samples: sflow.flowSamples,
      counter_samples: sflow.counterSamples,
      interface_counters: sflow.interfaceCounters,
      samples_unknown: sflow.unknownSamples,
      samples_without_ip: sflow.withoutIp,
      samples_dropped: agents.dropped,
      sequence_lost: sequences.lost + agents.sequences.lost,
      messages_late: sequences.late + agents.sequences.late,
      exporter_restarts: sequences.restarts + agents.sequences.restarts,
      sets_held: held.size,
      sets_without_template: held.dropped,
      templates_received: counts.templates,
      templates: templates.size,
      templates_evicted: templates.evicted,
    };
  }
}
