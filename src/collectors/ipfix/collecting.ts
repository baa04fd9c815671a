// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../../core/errors.ts";
import type { FlowSink } from "../../core/ipfix/collect/flow-collector.ts";
import type { Mapping } from "../../core/ipfix/collect/mapping.ts";
import { Poller } from "../../core/net/poller.ts";
import { CaptureFile } from "./capture-file.ts";
import { Decoding } from "./decoding.ts";
import type { FileInput, Input } from "./input.ts";
import { IpfixFile } from "./ipfix-file.ts";
import { type ListenSpec, parseListen } from "./listen.ts";
import { StreamListener } from "./stream-listener.ts";
import { TemplateFile } from "./template-file.ts";
import { UdpListener } from "./udp-listener.ts";

/** Milliseconds that nothing may come before others have their turn. */
const IDLE_MS = 50;
/** Milliseconds in which datagrams gather: a call for each of them would cost more than they do. */
const GATHER_MS = 4;
/** Milliseconds to take what waits in the kernel at the end. */
const LAST_MS = 500;
const MEGABYTE = 1 << 20;

export interface CollectingOptions {
  readonly listen: string;
  readonly mapping: Mapping;
  readonly scale: boolean;
  /** File of templates; none when empty. */
  readonly templates: string;
  /** Megabytes. */
  readonly buffer: number;
  readonly templateMemory: number;
  readonly heldMemory: number;
  readonly exporters: number;
  readonly connections: number;
  readonly warn: (message: string) => void;
}

/** The sources of a collector and what they bring, until there are no more files and nobody listens. */
export class Collecting {
  readonly #decoding: Decoding;
  readonly #poller = new Poller();
  readonly #files: FileInput[] = [];
  readonly #udp: UdpListener[] = [];
  readonly #streams: StreamListener[] = [];
  readonly #ended: Record<string, number> = {};
  readonly #templates: TemplateFile | undefined;

  /** @throws {NemeanError} what an operator has to mend: a port that is taken, a file that is not there */
  constructor(sink: FlowSink, options: CollectingOptions) {
    const { mapping, scale, warn, templates } = options;
    const specs = parseListen(options.listen);
    if (specs.length === 0)
      throw usageError("ipfix: say where flows come from, as --listen udp:0.0.0.0:4739");
    this.#decoding = new Decoding(sink, {
      mapping,
      scale,
      templateBytesMax: options.templateMemory * MEGABYTE,
      heldBytesMax: options.heldMemory * MEGABYTE,
      exportersMax: options.exporters,
    });
    const store = this.#decoding.decoder.templates;
    if (templates !== "") this.#templates = new TemplateFile(templates, store, warn);
    try {
      for (const spec of specs) this.#open(spec, options);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  #open(spec: ListenSpec, { buffer, connections, warn }: CollectingOptions): void {
    const { message, datagram, decoder } = this.#decoding;
    switch (spec.kind) {
      case "file":
        this.#files.push(new IpfixFile(spec, message, warn));
        return;
      case "pcap":
        this.#files.push(new CaptureFile(spec, datagram, warn));
        return;
      case "udp": {
        const listener = new UdpListener(spec, buffer * MEGABYTE, datagram);
        this.#udp.push(listener);
        this.#poller.add(listener);
        const there = Math.floor(listener.bufferBytes / MEGABYTE);
        if (there < buffer)
          warn(
            `${spec.text}: the system gives ${there} MB of the ${buffer} MB for datagrams that wait: raise net.core.rmem_max`,
          );
        return;
      }
      default: {
        const listener = new StreamListener(spec, {
          poller: this.#poller,
          onMessage: message,
          onEnd: ({ name }) => decoder.templates.forget(name),
          warn,
          connectionsMax: connections,
        });
        this.#streams.push(listener);
        this.#poller.add(listener);
      }
    }
  }

  /** Ports that are listened on, in the order of what was given: of UDP, then of streams. */
  get ports(): readonly number[] {
    return [...this.#udp, ...this.#streams].map(({ port }) => port);
  }

  /** Take some of what there is; returns the milliseconds until there may be more, undefined when nothing comes any more. */
  produce(): number | undefined {
    const [file] = this.#files;
    const listens = this.#udp.length + this.#streams.length > 0;
    if (file && !file.step()) {
      this.#files.shift();
      this.#end(file);
    }
    if (!listens) return this.#files.length > 0 ? 0 : undefined;
    const ran = this.#poller.turn(this.#files.length > 0 ? 0 : IDLE_MS);
    if (this.#files.length > 0 || ran === 0) return 0;
    return this.#hasMore ? 0 : GATHER_MS;
  }

  get #hasMore(): boolean {
    return this.#udp.some(({ hasMore }) => hasMore);
  }

  /** Some time has passed. */
  tick(): void {
    this.#templates?.tick();
  }

  /** All that was counted, by name. */
  get counts(): Readonly<Record<string, number>> {
    const all = { ...this.#decoding.counts, ...this.#ended };
    for (const input of [...this.#files, ...this.#udp, ...this.#streams]) addTo(all, input.counts);
    return all;
  }

  #end(input: Input): void {
    addTo(this.#ended, input.counts);
    input[Symbol.dispose]();
  }

  #close(): void {
    for (const input of [...this.#files, ...this.#udp, ...this.#streams]) this.#end(input);
    for (const list of [this.#files, this.#udp, this.#streams]) list.length = 0;
  }

  /** Take what has come, close all and keep the templates. */
  end(): void {
    const until = performance.now() + LAST_MS;
    do this.#poller.turn(0);
    while (this.#hasMore && performance.now() < until);
    this.#templates?.write();
    this.#close();
    this.#decoding.decoder.held.clear();
  }
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
}
