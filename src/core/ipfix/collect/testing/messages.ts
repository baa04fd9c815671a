// SPDX-License-Identifier: BSD-3-Clause
/** For tests: messages of NetFlow and IPFIX put together, and collected. @module */

import { defineModule } from "../../../module.ts";
import { Harness, type Row } from "../../../testing/run-module.ts";
import { parseIp } from "../../../unirec/ip.ts";
import { parseTemplate } from "../../../unirec/template.ts";
import { FlowCollector, type FlowCollectorOptions } from "../flow-collector.ts";
import type { Exporter } from "../message-head.ts";
import { WireTemplate } from "../wire-template.ts";

/** A field of a template: number, bytes, enterprise. */
export type FieldSpec = readonly [number: number, bytes: number, enterprise?: number];

/** 2026-01-05 09:00:00. */
export const SENT = 1_767_603_600;
const NETFLOW_9 = 9;

export const exporterOf = (address: string): Exporter => ({ name: address, ip: parseIp(address)! });
export const EXPORTER = exporterOf("192.0.2.1");

/** Numbers as bytes in network order, each of so many bytes. */
export function bytesOf(
  ...values: readonly (readonly [value: number | bigint, bytes: number])[]
): Buffer {
  return Buffer.concat(
    values.map(([value, bytes]) => {
      const hex = BigInt.asUintN(8 * bytes, BigInt(value)).toString(16);
      return Buffer.from(hex.padStart(2 * bytes, "0").slice(-2 * bytes), "hex");
    }),
  );
}

const specs = (fields: readonly FieldSpec[]): Buffer =>
  Buffer.concat(
    fields.map(([number, bytes, enterprise]) =>
      enterprise === undefined
        ? bytesOf([number, 2], [bytes, 2])
        : bytesOf([number | 0x8000, 2], [bytes, 2], [enterprise, 4]),
    ),
  );

/** A set, or FlowSet, of an id. */
export const set = (id: number, ...contents: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  return Buffer.concat([bytesOf([id, 2], [4 + content.length, 2]), content]);
};

export const template = (id: number, fields: readonly FieldSpec[]): Buffer =>
  Buffer.concat([bytesOf([id, 2], [fields.length, 2]), specs(fields)]);

/** IPFIX's template of options; the first `scopes` fields are its scope. */
export const optionsTemplate = (id: number, scopes: number, fields: readonly FieldSpec[]): Buffer =>
  Buffer.concat([bytesOf([id, 2], [fields.length, 2], [scopes, 2]), specs(fields)]);

/** NetFlow v9's, which says bytes instead. */
export const optionsTemplate9 = (
  id: number,
  scopes: number,
  fields: readonly FieldSpec[],
): Buffer =>
  Buffer.concat([
    bytesOf([id, 2], [4 * scopes, 2], [4 * (fields.length - scopes), 2]),
    specs(fields),
  ]);

/** A template as a reader has it. */
export const templateOf = (id: number, fields: readonly FieldSpec[]): WireTemplate =>
  new WireTemplate({
    id,
    dialect: "ipfix",
    fieldCount: fields.length,
    scopeCount: 0,
    isOptions: false,
    specs: specs(fields).toString("latin1"),
  });

/** A value of variable length, with its length in front: in one byte, or in three. */
export const variable = (value: Uint8Array, isLong = value.length > 254): Buffer =>
  Buffer.concat([
    isLong ? bytesOf([255, 1], [value.length, 2]) : bytesOf([value.length, 1]),
    value,
  ]);

/** Means in a list: all of these (RFC 6313 section 4.4). */
const ALL_OF = bytesOf([3, 1]);

/** A basicList's bytes; its values as they are to lie there. */
export const basicList = (element: FieldSpec, ...values: readonly Uint8Array[]): Buffer =>
  Buffer.concat([ALL_OF, specs([element]), ...values]);

export const subList = (id: number, ...records: readonly Uint8Array[]): Buffer =>
  Buffer.concat([ALL_OF, bytesOf([id, 2]), ...records]);

export const multiList = (
  ...runs: readonly (readonly [template: number, records: Uint8Array])[]
): Buffer =>
  Buffer.concat([
    ALL_OF,
    ...runs.flatMap(([id, records]) => [bytesOf([id, 2], [4 + records.length, 2]), records]),
  ]);

interface HeadValues {
  readonly sequence?: number;
  readonly domain?: number;
  readonly sentAt?: number;
}

export function ipfix(sets: readonly Uint8Array[], head: HeadValues = {}): DataView {
  const { sequence = 0, domain = 0, sentAt = SENT } = head;
  const content = Buffer.concat(sets);
  return viewOf(
    bytesOf([10, 2], [16 + content.length, 2], [sentAt, 4], [sequence, 4], [domain, 4]),
    content,
  );
}

export function netflow9(
  sets: readonly Uint8Array[],
  head: HeadValues & { uptime?: number } = {},
): DataView {
  const { sequence = 0, domain = 0, sentAt = SENT, uptime = 0 } = head;
  return viewOf(
    bytesOf([NETFLOW_9, 2], [sets.length, 2], [uptime, 4], [sentAt, 4], [sequence, 4], [domain, 4]),
    ...sets,
  );
}

/** NetFlow v5, of records of 48 bytes. */
export function netflow5(
  records: readonly Uint8Array[],
  head: HeadValues & { uptime?: number; sampling?: number } = {},
): DataView {
  const { sequence = 0, domain = 0, sentAt = SENT, uptime = 0, sampling = 0 } = head;
  return viewOf(
    bytesOf([5, 2], [records.length, 2], [uptime, 4], [sentAt, 4], [0, 4]),
    bytesOf([sequence, 4], [domain, 2], [sampling, 2]),
    ...records,
  );
}

export function viewOf(...parts: readonly Uint8Array[]): DataView {
  const bytes = new Uint8Array(Buffer.concat(parts));
  return new DataView(bytes.buffer);
}

/** Fields that most tests look at. */
export const LAYOUT = parseTemplate(
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint8 TCP_FLAGS,uint32 PACKETS,uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint32 ODID,ipaddr EXPORTER_IP",
);

/** A collector, and what it makes of messages. */
export class Collected {
  readonly collector: FlowCollector;
  readonly #harness: Harness;

  constructor(options: FlowCollectorOptions & { layout?: string } = {}) {
    const { layout } = options;
    let collector: FlowCollector | undefined;
    const def = defineModule({
      name: "collected",
      about: "For tests.",
      params: {},
      inputs: {},
      outputs: { flows: layout === undefined ? LAYOUT : parseTemplate(layout) },
      setup: ({ out: { flows } }) => {
        collector = new FlowCollector(flows as never, options);
        return {};
      },
    });
    this.#harness = new Harness(def as never);
    this.collector = collector!;
  }

  take(...messages: readonly DataView[]): this {
    for (const message of messages) this.collector.message(message, EXPORTER);
    return this;
  }

  /** Flows so far. */
  get rows(): readonly Row[] {
    return this.#harness.outcome().out["flows"]!;
  }
}
