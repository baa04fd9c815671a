// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import type { Log } from "../log.ts";
import type { Poller } from "../net/poller.ts";
import type { OutputPort, Receiver } from "../port.ts";
import { fieldOf, type Template } from "../unirec/template.ts";
import { Connection, type Source } from "./connection.ts";
import { MESSAGE_MAX, Message } from "./message.ts";
import { isIpv4, RecordEncoder } from "./record-encoder.ts";
import type { IpfixSpec } from "./specifier.ts";

/** Template ids begin here (RFC 7011 section 3.4.1). */
const TEMPLATE_ID = 256;
/** Bytes of a message: over UDP what fits the path, over streams what keeps system calls few. */
const SIZE = { udp: 1420, stream: MESSAGE_MAX } as const;
/** A datagram that is larger cannot be sent. */
const DATAGRAM_MAX = 65_507;
/** Messages that wait for the collector at most: of a stream 8 MB. */
const WAITING_MAX = 128;
/** Milliseconds after which templates go out again over UDP, which may lose them (RFC 7011 section 8.4). */
const REFRESH_MS = 60_000;
/** The same in messages, for a file that is read faster than time passes. */
const REFRESH_MESSAGES = 4096;
/** Milliseconds a message waits for more records. */
const FLUSH_MS = 1000;

export interface IpfixOptions {
  readonly poller: Poller;
  readonly log: Log;
  /** Wait for the collector rather than lose records: for what comes from a file. */
  readonly patient: boolean;
  /** Observation domain (RFC 7011 section 3.1); 0 when left out. */
  readonly domain?: number;
}

/** What an exporter has done so far. */
export interface IpfixStats {
  /** Data records handed to the collector's connection. */
  readonly records: number;
  readonly messages: number;
  /** Records lost since the collector was not there or too slow, and those a broken connection had begun. */
  readonly dropped: number;
  /** Records longer than a message may be. */
  readonly tooLong: number;
  readonly reconnects: number;
}

/**
 * The Exporting Process (RFC 7011 section 2): flows of ports out as IPFIX, to one collector. Each layout has a template
 * for IPv4 and one for IPv6.
 */
export class IpfixExporter implements Source {
  readonly #options: IpfixOptions;
  readonly #connection: Connection;
  readonly #isDatagram: boolean;
  readonly #sizeMax: number;
  readonly #templates: Uint8Array[] = [];
  readonly #free: Message[] = [];
  readonly #waiting: Message[] = [];
  #open: Message | undefined;
  /** `performance.now()` when the first record came into the open message. */
  #opened = 0;
  /** The message that is going out. */
  #current: Message | undefined;
  /** Data records of this session. */
  #sequence = 0;
  #records = 0;
  #messages = 0;
  #dropped = 0;
  #tooLong = 0;
  /** Whether the next message has to be one of templates; when they went out, and as which message. */
  #templatesDue = true;
  #templatesAt = 0;
  #templatesMessage = 0;

  /** @throws {NemeanError} for a key or certificate that cannot be used */
  constructor(spec: IpfixSpec, options: IpfixOptions) {
    this.#options = options;
    this.#isDatagram = spec.transport === "udp";
    this.#sizeMax = this.#isDatagram ? SIZE.udp : SIZE.stream;
    this.#connection = new Connection(spec, this, options);
  }

  /** Export the records of a port. */
  link(port: OutputPort): void {
    port.link(new Exported(this));
  }

  /** Encoders of a layout, for IPv4 and IPv6: their templates go out before the next message. */
  encoders(layout: Template): Encoders {
    const id = TEMPLATE_ID + this.#templates.length;
    const encoders = [
      new RecordEncoder(id, layout, 4),
      new RecordEncoder(id + 1, layout, 6),
    ] as const;
    this.#templates.push(...encoders.map(({ template }) => template));
    this.#templatesDue = true;
    return encoders;
  }

  get stats(): IpfixStats {
    return {
      records: this.#records,
      messages: this.#messages,
      dropped: this.#dropped,
      tooLong: this.#tooLong,
      reconnects: this.#connection.reconnects,
    };
  }

  /** Take a record; it is encoded before this returns. */
  put(encoder: RecordEncoder, batch: Batch, at: number, size: number): void {
    const bytes = encoder.measure(batch, at, size);
    let message = this.#open;
    if (message && message.length + message.cost(encoder, bytes) > this.#sizeMax) {
      this.#enqueue();
      message = undefined;
    }
    message ??= this.#begin();
    if (
      message.length + message.cost(encoder, bytes) >
      (this.#isDatagram ? DATAGRAM_MAX : MESSAGE_MAX)
    ) {
      this.#tooLong++;
      return;
    }
    message.add(encoder, batch, at);
  }

  #begin(): Message {
    const message = this.#free.pop() ?? new Message();
    message.clear();
    this.#open = message;
    this.#opened = performance.now();
    return message;
  }

  /** The open message waits from now on; where there is no room it, or the process, does. */
  #enqueue(): void {
    const message = this.#open;
    this.#open = undefined;
    if (!message || message.records === 0) return;
    message.finish();
    if (this.#waiting.length >= WAITING_MAX && this.#options.patient) this.#wait();
    if (this.#waiting.length >= WAITING_MAX) {
      this.#dropped += message.records;
      this.#free.push(message);
      return;
    }
    this.#waiting.push(message);
    this.#connection.push();
  }

  #wait(): void {
    const { poller } = this.#options;
    while (this.#waiting.length >= WAITING_MAX && !poller.stopped) poller.turn(undefined, "outlet");
  }

  /** Send records that have waited for others for long. Called now and then. */
  tick(): void {
    if (this.#open && performance.now() - this.#opened >= FLUSH_MS) this.#enqueue();
  }

  /** No more records come: what there is goes out while the poller turns, until {@link drained}. */
  finish(): void {
    this.#enqueue();
  }

  get drained(): boolean {
    return this.#waiting.length === 0 && !this.#current;
  }

  /** Close the connection; what still waits is lost, and counted. */
  close(): void {
    for (const { records } of this.#waiting.splice(0)) this.#dropped += records;
    this.broken();
    this.#connection.close();
  }

  begin(): void {
    this.#sequence = 0;
    this.#templatesDue = true;
  }

  next(): Message | undefined {
    if (this.#current) return this.#current;
    const message = this.#needsTemplates() ? this.#templateMessage() : this.#waiting.shift();
    if (!message) return undefined;
    message.stamp(this.#options.domain ?? 0, this.#sequence);
    this.#current = message;
    return message;
  }

  #needsTemplates(): boolean {
    if (this.#templatesDue) return true;
    if (!this.#isDatagram) return false;
    const isOld = performance.now() - this.#templatesAt > REFRESH_MS;
    return isOld || this.#messages - this.#templatesMessage > REFRESH_MESSAGES;
  }

  #templateMessage(): Message {
    const message = this.#free.pop() ?? new Message();
    message.clear();
    message.addTemplates(this.#templates);
    message.finish();
    this.#templatesDue = false;
    this.#templatesAt = performance.now();
    this.#templatesMessage = this.#messages;
    return message;
  }

  sent(): void {
    const message = this.#current!;
    this.#current = undefined;
    this.#messages++;
    this.#records += message.records;
    this.#sequence += message.records;
    this.#free.push(message);
  }

  broken(): void {
    if (!this.#current) return;
    // The collector may have it whole: once lost is better than twice told.
    this.#dropped += this.#current.records;
    this.#free.push(this.#current);
    this.#current = undefined;
  }
}

type Encoders = readonly [RecordEncoder, RecordEncoder];

/** A port's records on their way to the exporter. */
class Exported implements Receiver {
  readonly #exporter: IpfixExporter;
  #encoders: Encoders | undefined;
  /** Offset of the source address, by which the template is chosen; -1 without one. */
  #address = -1;

  constructor(exporter: IpfixExporter) {
    this.#exporter = exporter;
  }

  announce(layout: Template): void {
    this.#encoders = this.#exporter.encoders(layout);
    this.#address = fieldOf(layout, "SRC_IP")?.offset ?? -1;
  }

  receive(batch: Batch): void {
    const { view } = batch;
    const end = batch.start + batch.length;
    for (let at = batch.start; at < end; ) {
      const size = view.getUint16(at);
      const record = at + 2;
      const isShort = this.#address < 0 || isIpv4(view, record + this.#address);
      this.#exporter.put(this.#encoders![isShort ? 0 : 1], batch, record, size);
      at = record + size;
    }
    this.#exporter.tick();
  }

  advance(): void {
    this.#exporter.tick();
  }

  end(): void {
    // Other ports may go on; the exporter is closed by who opened it.
  }
}
