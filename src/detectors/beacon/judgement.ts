// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../core/unirec/time.ts";
import {
  deviation,
  durationScore,
  histogramScore,
  intervalsOf,
  meanScore,
  median,
  sizeScore,
  threatOf,
  timestampScore,
} from "./score.ts";

/** Of less time there is no score of histogram and duration: bars of some minutes are flat by chance. */
const DAY_SCORES_FROM = 3600 * SECOND;
/** An early word is given after so long and so many connections. */
const EARLY_SPAN = 3600 * SECOND;
const EARLY_CONNECTIONS = 30;
/** Share of hosts up to which a destination is rare, and from which on it is common; how much either weighs. */
const RARE = 0.02;
const COMMON = 0.5;
const PREVALENCE_WEIGHT = 0.15;
/** Of fewer hosts a share says nothing. */
const NETWORK_MIN = 10;
/** Severities by threat: where it is at least so high. */
const HIGH = { threat: 0.8, severity: 6 };
const MEDIUM = { threat: 0.6, severity: 5 };
const LOW = 3;

/** When a pair met, and among how many. */
export interface Meetings {
  /** Seconds, ascending. */
  readonly times: ArrayLike<number>;
  readonly sizes: ArrayLike<number>;
  /** Whole bars of the window. */
  readonly bars: ArrayLike<number>;
  readonly connections: number;
  /** Microseconds: of the pair, first to last connection, and of all that was seen, within the window. */
  readonly span: number;
  readonly window: number;
  /** Hosts that have the destination, and all there are. */
  readonly hosts: number;
  readonly network: number;
}

export interface Judgement {
  readonly score: number;
  readonly timing: number;
  readonly size: number;
  /** Undefined where the window is too short for them. */
  readonly histogram: number | undefined;
  readonly duration: number | undefined;
  /** By timing and size alone: the other two need more hours. */
  readonly isEarly: boolean;
  readonly severity: number;
  /** Seconds: median of the intervals, and their median absolute deviation; bytes likewise. */
  readonly interval: number;
  readonly jitter: number;
  readonly bytes: number;
  readonly bytesJitter: number;
}

/** What a pair's meetings look like; undefined of too few. */
export function judge(meetings: Meetings, scoreMin: number): Judgement | undefined {
  const { times, sizes, bars, window } = meetings;
  const timing = timestampScore(times);
  const size = sizeScore(sizes);
  if (timing === undefined || size === undefined) return undefined;
  const isLong = window >= DAY_SCORES_FROM;
  const histogram = isLong ? histogramScore(bars) : undefined;
  const duration = isLong ? durationScore(meetings.span / window, bars) : undefined;
  const whole = meanScore([timing, size, histogram, duration]);
  const soFar = meanScore([timing, size]);
  const isEarly =
    whole < scoreMin &&
    soFar >= scoreMin &&
    meetings.span >= EARLY_SPAN &&
    meetings.connections >= EARLY_CONNECTIONS;
  const score = isEarly ? soFar : whole;
  const intervals = intervalsOf(times);
  const ascending = Float64Array.from(sizes).sort();
  return {
    score,
    timing,
    size,
    histogram,
    duration,
    isEarly,
    severity: isEarly ? LOW : severityOf(score, meetings),
    interval: median(intervals),
    jitter: deviation(intervals),
    bytes: median(ascending),
    bytesJitter: deviation(ascending),
  };
}

/** What most hosts have is no secret channel: such a destination is never above low. */
function severityOf(score: number, { hosts, network }: Meetings): number {
  const prevalence = network < NETWORK_MIN ? undefined : hosts / network;
  if (prevalence !== undefined && prevalence >= COMMON) return LOW;
  const isRare = prevalence !== undefined && prevalence <= RARE;
  const threat = threatOf(score) + (isRare ? PREVALENCE_WEIGHT : 0);
  if (threat >= HIGH.threat) return HIGH.severity;
  return threat >= MEDIUM.threat ? MEDIUM.severity : LOW;
}
