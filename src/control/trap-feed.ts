// SPDX-License-Identifier: BSD-3-Clause
import { FlowIntake } from "../core/flow/intake.ts";
import type { Merge } from "../core/merge.ts";
import { openInput } from "../core/trap/index.ts";
import type { InputStats, TrapEnvironment, TrapInput } from "../core/trap/interface.ts";
import { parseInput } from "../core/trap/specifier.ts";
import { SECOND } from "../core/unirec/time.ts";
import { MergeTarget } from "./merge-target.ts";

/** Flows that other processes of the product send. Plain data: it goes to a Worker by message. */
export interface TrapFeedPlan {
  readonly kind: "trap";
  /** Shown as the interface of alerts. */
  readonly name: string;
  /** Of each sender the TRAP interfaces, one for each port of its meter. */
  readonly senders: readonly (readonly string[])[];
  /** Seconds by which event time stays behind the wall clock while nothing comes; it stands still when left out. */
  readonly lag?: number;
}

/** A meter sends its flows in the order of their seconds: event time stays so far behind the latest. */
const LATENESS = 2 * SECOND;
/** Milliseconds without a record after which event time follows the wall clock. */
const SILENT_MS = 1000;
/** Milliseconds that flows wait for those of a sender that is behind. */
const PATIENCE_MS = 2000;
const WAIT_MS = 100;
/** Milliseconds that what was sent already has to arrive once the process is told to stop. */
const LAST_MS = 1000;

/** An input, and what it leads to. */
interface Sender {
  readonly target: MergeTarget;
  readonly intake: FlowIntake;
  messages: number;
  /** When the last message came, or it was found silent. */
  heard: number;
}

/**
 * Brings flows from TRAP interfaces to merges, one a port, each sender as a producer of its own. What comes has the
 * layout that the merge has: both processes were given the same plugins.
 */
export class TrapFeed implements Disposable {
  readonly #plan: TrapFeedPlan;
  readonly #merges: readonly Merge[];
  readonly #env: TrapEnvironment;
  readonly #inputs: TrapInput[] = [];
  readonly #senders: Sender[] = [];
  #connected = false;

  /** @throws {NemeanError} ERR_TRAP, ERR_SOCKET */
  constructor(plan: TrapFeedPlan, merges: readonly Merge[], env: TrapEnvironment) {
    this.#plan = plan;
    this.#merges = merges;
    this.#env = env;
    for (const interfaces of plan.senders)
      for (const [i, text] of interfaces.entries()) {
        const target = new MergeTarget(merges[i]!, text);
        const intake = new FlowIntake(target, { lateness: LATENESS });
        this.#senders.push({ target, intake, messages: 0, heard: performance.now() });
        this.#inputs.push(openInput(parseInput(text), intake, env));
      }
  }

  get inputs(): readonly TrapInput[] {
    return this.#inputs;
  }

  get stats(): readonly InputStats[] {
    return this.#inputs.map(({ stats }) => stats);
  }

  /** Whether all senders were there at a time. */
  get connected(): boolean {
    this.#connected ||= this.stats.every(({ connected }) => connected);
    return this.#connected;
  }

  /** Take what has come, or wait for it a little; false once all senders have ended their streams. */
  step(): boolean {
    this.#env.poller.turn(WAIT_MS);
    for (const { failure } of this.#inputs) if (failure) throw failure;
    this.#watchSilence();
    return !this.#inputs.every(({ ended }) => ended);
  }

  /**
   * A sender that has nothing to say must not hold back the others, nor stop event time: after a second it rests, and event time follows
   * the wall clock, as detectors then tick by it.
   */
  #watchSilence(): void {
    if (this.#plan.lag === undefined) return;
    const now = performance.now();
    for (const merge of this.#merges) merge.relieve(now - PATIENCE_MS);
    const watermark = Date.now() * 1000 - this.#plan.lag * SECOND;
    for (const [i, { messages }] of this.stats.entries()) {
      const sender = this.#senders[i]!;
      const isSilent = messages === sender.messages;
      if (isSilent && now - sender.heard <= SILENT_MS) continue;
      sender.messages = messages;
      sender.heard = now;
      if (!isSilent) continue;
      sender.intake.advance(watermark);
      sender.target.rest();
    }
  }

  /** Take what the senders had sent when they ended. */
  drain(): void {
    const until = performance.now() + LAST_MS;
    while (performance.now() < until && this.#env.poller.turn(0, "intake") > 0);
  }

  [Symbol.dispose](): void {
    for (const input of this.#inputs) input[Symbol.dispose]();
  }
}
