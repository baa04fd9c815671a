// SPDX-License-Identifier: BSD-3-Clause
import type { Mapping } from "../ipfix/collect/mapping.ts";
import { RecordPlan, wantedOf } from "../ipfix/collect/record-plan.ts";
import { Transfer } from "../ipfix/collect/transfer.ts";
import { fieldOf } from "../unirec/template.ts";
import type { RecordWriter } from "../unirec/writer.ts";
import { FLOW_BYTES, flowTemplate } from "./elements.ts";
import type { FlowRecord } from "./flow-record.ts";

export interface FlowMapperOptions {
  /** LINK_BIT_FIELD of all flows. */
  readonly link: bigint;
  /** Whether DIR_BIT_FIELD comes from the input interface; it is 0 where it does not. */
  readonly hasDirection: boolean;
}

/** Composes UniRec records of flows, in whatever layout, by the plan that an exporter's template would have. */
export class FlowMapper {
  readonly #record: RecordWriter;
  readonly #plan: RecordPlan;
  readonly #transfer = new Transfer();
  readonly #link: bigint;
  readonly #linkAt: number;

  constructor(record: RecordWriter, mapping: Mapping, { link, hasDirection }: FlowMapperOptions) {
    const template = flowTemplate();
    const { template: layout } = record;
    const wanted = wantedOf(layout, mapping).filter(
      ({ field }) => hasDirection || field.name !== "DIR_BIT_FIELD",
    );
    this.#record = record;
    this.#plan = new RecordPlan(template, wanted);
    this.#link = link;
    const field = fieldOf(layout, "LINK_BIT_FIELD");
    this.#linkAt = field?.type === "uint64" ? field.offset : -1;
    const spans = new Int32Array(2 * template.fieldCount);
    template.locate(new DataView(new ArrayBuffer(0)), 0, FLOW_BYTES, spans);
    this.#transfer.spans = spans;
  }

  /** Compose the record of a flow. */
  write({ view }: FlowRecord): void {
    const record = this.#record.begin();
    const transfer = this.#transfer;
    transfer.view = view;
    transfer.to = record.view;
    this.#plan.write(transfer, record);
    if (this.#linkAt >= 0) record.view.setBigUint64(this.#linkAt, this.#link, true);
  }
}
