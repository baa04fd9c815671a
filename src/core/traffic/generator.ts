// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../errors.ts";
import { FRAMES_MAX, type FrameBatch } from "../packet/frames.ts";
import type { Field, Plan } from "./attack-plan.ts";
import { Background } from "./background.ts";
import { Calendar } from "./calendar.ts";
import { FrameWriter } from "./frame-writer.ts";
import { planGuessing, planMining, planWebAttack, Script } from "./intrusions.ts";
import { Office } from "./office.ts";
import { People } from "./people.ts";
import { enterOrdinary } from "./quiet/hour.ts";
import { Network } from "./quiet/network.ts";
import { planReflection } from "./reflection.ts";
import { Random } from "./rng.ts";
import { planHorizontalScan, planSynFlood, planVerticalScan } from "./scans.ts";
import type { Stage } from "./stage.ts";
import type { Attack, Truth } from "./truth.ts";
import { planDnsTunnel, planIcmpTunnel, planMadeUpNames } from "./tunnels.ts";

/** What is generated; equal options give equal frames. */
export interface TrafficOptions {
  /** Whole number; its low 32 bits choose addresses, sessions and attacks. */
  readonly seed: number;
  /** Seconds of traffic, 10 to 86,400; default 120. */
  readonly seconds?: number;
  /**
   * `demo`, an office with attacks inside, unless told; `quiet`, a larger one in which nothing is wrong: `hosts` are then all of its
   * hosts, 100 to 2000 and 500 by default, and an hour of it has some 200,000 flows.
   */
  readonly profile?: "demo" | "quiet";
  /** Clients in the office, 8 to 2000; default 60. */
  readonly hosts?: number;
  /** Normal sessions as a multiple of the default's, above 0 up to 1000; the attacks stay as they are. */
  readonly scale?: number;
  /** Time of the first frame at the earliest, whole microseconds since 1970; default Monday 2026-01-05 09:00 UTC. */
  readonly start?: number;
}

const SECOND = 1_000_000;
const SECONDS = [10, 86_400] as const;
const START_DEFAULT = 1_767_603_600 * SECOND;

/**
 * Ethernet frames of an office with an attack of each kind inside, and with one more of each for each time it is told to
 * go on; or of one in which nothing is wrong.
 *
 * @example
 * ```ts
 * const traffic = new TrafficGenerator({ seed: 7 });
 * const frames = new FrameBatch();
 * while (traffic.next(frames)) decode(frames);
 * compare(alerts, traffic.truth);
 * ```
 */
export class TrafficGenerator {
  readonly #stage: Stage;
  /** What attacks are planned with; a quiet office has none. */
  readonly #attackers: { field: Omit<Field, "span">; script: Script } | undefined;
  #truth: Truth = { attacks: [] };
  #end: number;

  /** @throws NemeanError ERR_USAGE when an option is out of its range */
  constructor(options: TrafficOptions) {
    const seed = within("seed", options.seed, [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
    const seconds = within("seconds", options.seconds ?? 120, SECONDS);
    const isQuiet = options.profile === "quiet";
    const hosts = within("hosts", options.hosts ?? (isQuiet ? 500 : 60), [isQuiet ? 100 : 8, 2000]);
    const start = within("start", options.start ?? START_DEFAULT, [0, 2 ** 52]);
    const scale = options.scale ?? 1;
    if (!(scale > 0 && scale <= 1000)) {
      throw usageError(`traffic: scale: expected a number above 0 up to 1000, got ${scale}`);
    }
    const random = new Random(seed ^ 0x5eed);
    this.#stage = { writer: new FrameWriter(), calendar: new Calendar(), random };
    this.#end = start;
    // Dice of their own, so that a busier office has the same hosts and meets the same attacks.
    const ground = new Random(seed);
    if (isQuiet) enterOrdinary(this.#stage, new Network(ground, hosts), { start, scale });
    else {
      const office = this.#enterDemo(ground, { hosts, start, scale });
      this.#attackers = {
        field: { office, random: new Random(~seed) },
        script: new Script(this.#stage.writer.payloads, new Random(seed ^ 0xbad)),
      };
    }
    this.goOn(seconds);
  }

  #enterDemo(
    ground: Random,
    { hosts, start, scale }: { hosts: number; start: number; scale: number },
  ): Office {
    const office = new Office(ground, hosts);
    const background = new Background(this.#stage, office);
    background.enter(start, scale);
    new People(this.#stage, office, background).enter(start, scale);
    return office;
  }

  /** What the frames contain since it was last told to go on; known before the first of them. */
  get truth(): Truth {
    return this.#truth;
  }

  /** Where the traffic ends, in microseconds since 1970: all frames are earlier. */
  get end(): number {
    return this.#end;
  }

  /**
   * Let the traffic go on for 10 to 86,400 seconds beyond its end: what people were doing there goes on, and other attacks
   * come.
   *
   * @throws NemeanError ERR_USAGE when the seconds are out of their range
   */
  goOn(seconds: number): void {
    const length = within("seconds", seconds, SECONDS) * SECOND;
    const span = { start: this.#end, length };
    this.#end += length;
    if (!this.#attackers) return;
    const { field, script } = this.#attackers;
    this.#truth = { attacks: this.#attack({ ...field, span }, script) };
  }

  /** Begin an attack of each kind; returns them by their beginning. */
  #attack(field: Field, script: Script): Attack[] {
    const plans: Plan[] = [
      planVerticalScan(field),
      planHorizontalScan(field),
      planSynFlood(field),
      planReflection(field),
      planGuessing(field, script),
      planWebAttack(field, script),
      planMining(field, script),
      planDnsTunnel(field),
      planMadeUpNames(field),
      planIcmpTunnel(field),
    ];
    for (const { enter } of plans) enter(this.#stage);
    return plans.map(({ truth }) => truth).sort((a, b) => a.firstMicros - b.firstMicros);
  }

  /**
   * Fill the batch with the next frames before `until`, in order of time. They lie in a buffer of the generator's own,
   * and are valid until the next call.
   *
   * @returns false when there is none before `until` and the end, and the batch is empty
   */
  next(frames: FrameBatch, until = Number.POSITIVE_INFINITY): boolean {
    const { writer, calendar } = this.#stage;
    const limit = Math.min(until, this.#end);
    writer.begin(frames);
    while (frames.count < FRAMES_MAX && calendar.next < limit) calendar.advance();
    return frames.count > 0;
  }
}

function within(name: string, value: number, [min, max]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw usageError(`traffic: ${name}: expected a whole number from ${min} to ${max}, got ${value}`);
}
