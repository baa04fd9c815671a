// SPDX-License-Identifier: BSD-3-Clause
import { type ModulePort, modulePorts, portFor } from "../../src/control/module-ports.ts";
import { flowsTemplates, forModules, portNames, withModules } from "../../src/control/plugins.ts";
import { Batch } from "../../src/core/batch.ts";
import type { FLOWS } from "../../src/core/flow/flows.ts";
import type { AnyModule } from "../../src/core/module.ts";
import { OutputPort } from "../../src/core/port.ts";
import { fieldOf, type Template, template } from "../../src/core/unirec/template.ts";
import { type RecordWriter, type Setters, writer } from "../../src/core/unirec/writer.ts";
import type { Flow } from "./flow.ts";

/** The fields of DNS that flows are given; those of all other plugins stay empty. */
const DNS = template(`
  string DNS_NAME, bytes DNS_RDATA, uint32 DNS_RR_TTL, uint16 DNS_ANSWERS, uint16 DNS_CLASS, uint16 DNS_ID,
  uint16 DNS_QTYPE, uint16 DNS_RLENGTH, uint8 DNS_RCODE
`);
const INTERNET = 1;
/** Services of plugins: flows to these ports count as such in which they found something, though their fields stay empty. */
const SERVICES: Readonly<Record<string, readonly number[]>> = {
  http: [80, 8080],
  ntp: [123],
  quic: [443],
  sip: [5060],
  smtp: [25, 587],
  ssdp: [1900],
  ssh: [22],
  tls: [443, 993],
};

type FlowRecord = RecordWriter & Setters<typeof FLOWS> & Setters<typeof DNS>;

/** A port of a meter: flows with the fields of some plugins, kept as batches until they are delivered. */
export class FlowPort {
  readonly out: OutputPort;
  readonly #record: FlowRecord;
  readonly #hasNames: boolean;
  /** Plugins of which one must have found something. */
  readonly #needs: readonly string[];
  readonly #batches: Batch[] = [];
  #used = 0;

  constructor(name: string, layout: Template, needs: readonly string[] = []) {
    this.out = new OutputPort(name, layout);
    this.#record = writer(layout) as unknown as FlowRecord;
    this.#hasNames = fieldOf(layout, "DNS_NAME") !== undefined;
    this.#needs = needs;
  }

  put(flow: Flow): void {
    if (this.#needs.length > 0 && !this.#needs.some((plugin) => isFound(plugin, flow))) return;
    const record = this.#record;
    record.begin();
    record.SRC_IP = flow.source;
    record.DST_IP = flow.target;
    record.SRC_PORT = flow.sourcePort;
    record.DST_PORT = flow.targetPort;
    record.PROTOCOL = flow.protocol;
    record.PACKETS = flow.packets;
    record.PACKETS_REV = flow.packetsReverse;
    record.BYTES = flow.bytes;
    record.BYTES_REV = flow.bytesReverse;
    record.TIME_FIRST = flow.first;
    record.TIME_LAST = flow.last;
    record.TCP_FLAGS = flow.flags;
    record.TCP_FLAGS_REV = flow.flagsReverse;
    record.LINK_BIT_FIELD = 1;
    if (this.#hasNames && flow.name !== undefined) this.#putNames(flow, flow.name);
    record.end(this.#room(record.size));
  }

  #putNames({ sourcePort, answer, queryType, responseCode }: Flow, name: Uint8Array): void {
    const record = this.#record;
    record.DNS_NAME = name;
    record.DNS_ID = sourcePort;
    record.DNS_CLASS = INTERNET;
    record.DNS_QTYPE = queryType;
    record.DNS_RCODE = responseCode;
    if (answer.length === 0) return;
    record.DNS_ANSWERS = 1;
    record.DNS_RR_TTL = 300;
    record.DNS_RDATA = answer;
    record.DNS_RLENGTH = answer.length;
  }

  #room(size: number): Batch {
    const last = this.#batches[this.#used - 1];
    if (last?.fits(size)) return last;
    const next = this.#batches[this.#used++] ?? new Batch();
    this.#batches[this.#used - 1] = next;
    return next;
  }

  /** Hand on what was put, as a merge does: full batches in the order of their flows. */
  deliver(): void {
    for (let i = 0; i < this.#used; i++) this.out.pass(this.#batches[i]!);
  }

  clear(): void {
    for (let i = 0; i < this.#used; i++) this.#batches[i]!.clear();
    this.#used = 0;
  }
}

const isFound = (plugin: string, { name, targetPort }: Flow): boolean =>
  plugin === "dns" ? name !== undefined : (SERVICES[plugin]?.includes(targetPort) ?? false);

/** The ports of a meter whose flows these modules read, as the product has them. */
export class MeterPorts {
  readonly all: readonly FlowPort[];
  readonly #modulePorts: readonly ModulePort[];
  /** Ports that are not there for modules that require what a plugin finds. */
  readonly #out: number;

  constructor(defs: readonly AnyModule[]) {
    const plan = forModules(withModules(undefined, modulePorts(defs)));
    const layouts = flowsTemplates(plan);
    this.#modulePorts = plan?.modules ?? [];
    this.#out = layouts.length - this.#modulePorts.length;
    this.all = portNames(plan).map((name, i) => {
      const needs = this.#modulePorts[i - this.#out]?.needs ?? [];
      return new FlowPort(`${name}/${layouts[i]!.fields.length}`, layouts[i]!, needs);
    });
  }

  /** Those that an input may read: the one that is there for it, or any that will do. */
  for(input: Template): readonly FlowPort[] {
    const own = portFor(input, this.#modulePorts);
    return own < 0 ? this.all.slice(0, this.#out) : [this.all[this.#out + own]!];
  }
}
