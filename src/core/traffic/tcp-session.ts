// SPDX-License-Identifier: BSD-3-Clause
import { type Actor, DONE } from "./calendar.ts";
import type { Path, Route } from "./path.ts";
import type { Block } from "./payload.ts";
import type { Stage } from "./stage.ts";
import { ACK, FIN, PSH, RST, SYN, TcpSegment } from "./tcp-segment.ts";

/** One side speaks: `size` bytes in segments, each the beginning of `block`. */
export interface Turn {
  readonly fromClient: boolean;
  readonly block: Block;
  readonly size: number;
  /** Microseconds it thinks before. */
  readonly wait: number;
}

/** What is said in a session, and who ends it how. Sessions share it. */
export interface Dialogue {
  readonly turns: readonly Turn[];
  readonly end: "client-fin" | "server-fin" | "client-reset";
}

/**
 * How the server takes the SYN: a whole session; no answer at all; RST; SYN-ACK to a scanner, who then
 * resets; SYN-ACK to a client that never answers.
 */
export type Outcome = "open" | "silent" | "refused" | "probed" | "abandoned";

export interface SessionFields {
  readonly route: Route;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly outcome: Outcome;
  /** Said when the outcome is `open`. */
  readonly dialogue?: Dialogue;
  /** SYNs sent in vain after the first one; default 0. */
  readonly retries?: number;
  /** Initial sequence number of the client; a server takes its own from it. */
  readonly sequence: number;
}

type Phase =
  | "syn"
  | "syn-ack"
  | "refusal"
  | "handshake-ack"
  | "data"
  | "data-ack"
  | "probe-reset"
  | "first-fin"
  | "second-fin"
  | "last-ack";

/** Initial retransmission timeout, doubled each time (RFC 6298 section 2.1). */
const RETRY_MICROS = 1_000_000;
/** Timeout of a data segment on an established connection. */
const RETRANSMIT_MICROS = 210_000;
const RETRANSMIT_CHANCE = 1 / 256;
/** Microseconds between a received segment and its acknowledgment. */
const ACK_MICROS = 40;
const MSS_V4 = 1460;
const MSS_V6 = 1440;
/** Bytes a segment has at least, where a turn has them. */
const CRUMB = 8;

/** All segments are written through this one header: an act fills and sends it at once. */
const segment = new TcpSegment();

/** A TCP session as the tap sees it, one segment an act. */
export class TcpSession implements Actor {
  readonly #stage: Stage;
  readonly #fields: SessionFields;
  readonly #turns: readonly Turn[];
  readonly #mss: number;
  /** Microseconds from a client's segment at the tap to the server's answer, and the other way round. */
  readonly #serverMicros: number;
  readonly #clientMicros: number;
  /** Microseconds between segments of one burst. */
  readonly #gap: number;
  #phase: Phase = "syn";
  #clientSequence: number;
  #serverSequence: number;
  #retries = 0;
  #turn = 0;
  #sent = 0;
  #unacknowledged = 0;
  #retransmitted = false;

  constructor(stage: Stage, fields: SessionFields) {
    const { source: client, target: server, version } = fields.route.forth;
    this.#stage = stage;
    this.#fields = fields;
    this.#turns = fields.dialogue?.turns ?? [];
    this.#mss = version === 4 ? MSS_V4 : MSS_V6;
    this.#serverMicros = 2 * server.delay;
    this.#clientMicros = 2 * client.delay;
    this.#gap = client.local && server.local ? 14 : 130;
    this.#clientSequence = fields.sequence | 0;
    this.#serverSequence = Math.imul(fields.sequence, 0x2c1b3c6d) | 0;
  }

  act(now: number): number {
    switch (this.#phase) {
      case "syn":
        return this.#syn(now);
      case "syn-ack":
        this.#send(now, false, SYN | ACK);
        if (this.#fields.outcome === "abandoned") return DONE;
        return this.#then(
          this.#fields.outcome === "probed" ? "probe-reset" : "handshake-ack",
          now + this.#clientMicros,
        );
      case "refusal":
        this.#send(now, false, RST | ACK);
        return DONE;
      case "probe-reset":
        this.#send(now, true, RST);
        return DONE;
      case "handshake-ack":
        this.#send(now, true, ACK);
        return this.#nextTurn(now);
      case "data":
        return this.#data(now);
      case "data-ack":
        this.#send(now, !this.#speaker, ACK);
        this.#unacknowledged = 0;
        return this.#then("data", now + this.#gap);
      default:
        return this.#end(now);
    }
  }

  #syn(now: number): number {
    this.#send(now, true, SYN);
    const { outcome, retries = 0 } = this.#fields;
    if (outcome !== "silent") {
      return this.#then(outcome === "refused" ? "refusal" : "syn-ack", now + this.#serverMicros);
    }
    if (this.#retries === retries) return DONE;
    // The same segment again, with the same sequence number.
    this.#clientSequence = (this.#clientSequence - 1) | 0;
    return now + RETRY_MICROS * 2 ** this.#retries++;
  }

  /** One data segment, once in a while sent again as if the first had been lost behind the tap. */
  #data(now: number): number {
    const turn = this.#turns[this.#turn]!;
    const size = this.#segmentSize(turn.size - this.#sent);
    const last = this.#sent + size === turn.size;
    const lost = !this.#retransmitted && this.#stage.random.chance(RETRANSMIT_CHANCE);
    this.#retransmitted = lost;
    segment.block = turn.block;
    segment.size = size;
    this.#send(now, turn.fromClient, last ? PSH | ACK : ACK);
    segment.size = 0;
    if (lost) {
      this.#rewind(turn.fromClient, size);
      return now + RETRANSMIT_MICROS;
    }
    this.#sent += size;
    this.#unacknowledged++;
    if (last) {
      this.#turn++;
      this.#sent = 0;
      return this.#nextTurn(now);
    }
    // RFC 9293 section 3.8.6.3: at least every second segment is acknowledged.
    return this.#unacknowledged === 2 ? this.#then("data-ack", now + ACK_MICROS) : now + this.#gap;
  }

  /** Leaves no crumb for the last segment, so that each has room for a record's header. */
  #segmentSize(left: number): number {
    if (left <= this.#mss) return left;
    return left - this.#mss < CRUMB ? this.#mss - CRUMB : this.#mss;
  }

  /** The next turn's first segment acknowledges the last one's; at the end comes the teardown. */
  #nextTurn(now: number): number {
    this.#unacknowledged = 0;
    const turn = this.#turns[this.#turn];
    if (turn === undefined) return this.#then("first-fin", now + this.#clientMicros + 500);
    return this.#then(
      "data",
      now + turn.wait + (turn.fromClient ? this.#clientMicros : this.#serverMicros),
    );
  }

  #end(now: number): number {
    const end = this.#fields.dialogue?.end ?? "client-fin";
    const clientFirst = end !== "server-fin";
    switch (this.#phase) {
      case "first-fin":
        if (end === "client-reset") {
          this.#send(now, true, RST | ACK);
          return DONE;
        }
        this.#send(now, clientFirst, FIN | ACK);
        return this.#then(
          "second-fin",
          now + (clientFirst ? this.#serverMicros : this.#clientMicros),
        );
      case "second-fin":
        this.#send(now, !clientFirst, FIN | ACK);
        return this.#then(
          "last-ack",
          now + (clientFirst ? this.#clientMicros : this.#serverMicros),
        );
      default:
        this.#send(now, clientFirst, ACK);
        return DONE;
    }
  }

  get #speaker(): boolean {
    return this.#turns[this.#turn]!.fromClient;
  }

  #then(phase: Phase, time: number): number {
    this.#phase = phase;
    return time;
  }

  #rewind(fromClient: boolean, size: number): void {
    if (fromClient) this.#clientSequence = (this.#clientSequence - size) | 0;
    else this.#serverSequence = (this.#serverSequence - size) | 0;
  }

  #send(now: number, fromClient: boolean, flags: number): void {
    const { route, sourcePort, targetPort } = this.#fields;
    const path: Path = fromClient ? route.forth : route.back;
    segment.sourcePort = fromClient ? sourcePort : targetPort;
    segment.targetPort = fromClient ? targetPort : sourcePort;
    segment.sequence = fromClient ? this.#clientSequence : this.#serverSequence;
    const other = fromClient ? this.#serverSequence : this.#clientSequence;
    segment.acknowledgment = (flags & ACK) === 0 ? 0 : other;
    segment.flags = flags;
    this.#stage.writer.tcp(now, path, segment);
    // SYN and FIN take a sequence number of their own.
    const taken = segment.size + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
    if (fromClient) this.#clientSequence = (this.#clientSequence + taken) | 0;
    else this.#serverSequence = (this.#serverSequence + taken) | 0;
  }
}
