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
/**
 * Of visits at chance times the intervals are even by chance now and then, and their sizes often alike: so the score of timing has to be
 * so high itself, where it goes with the other three, and where timing and size stand alone, over so many connections.
 * Of 4,000 simulated Poisson processes, each judged at up to 200 events, none reaches the latter.
 */
const EVEN_OF_FOUR = 0.85;
const EVEN_OF_TWO = 0.9;
const CONNECTIONS_OF_TWO = 30;
/** Median of the intervals, in seconds: who comes nearly every second comes evenly in seconds, but he does not in truth. */
const INTERVAL_MIN = 2;
/** In a long stream a word on those two alone is given after so long. */
const EARLY_SPAN = 3600 * SECOND;
/**
 * Share of hosts up to which a destination is rare, and how much that adds, as in RITA; from which on it is common. That is half of the hosts
 * there, of those that have met it at all; here it is of those that come again and again.
 */
const RARE = 0.02;
const RARE_WEIGHT = 0.15;
const COMMON = 0.1;
const COMMON_HOSTS = 3;
/** Of fewer hosts a share says nothing. */
const NETWORK_MIN = 10;
/** Severities by threat: where it is at least so high. */
const HIGH = { threat: 0.8, severity: 6 };
const MEDIUM = { threat: 0.6, severity: 5 };
export const LOW = 3;

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
  /** Whether that is a beacon. */
  readonly isBeacon: boolean;
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
  const ofTwo = meanScore([timing, size]);
  const ofFour = meanScore([timing, size, histogram, duration]);
  const isBeaconOfTwo =
    ofTwo >= scoreMin &&
    timing >= Math.min(EVEN_OF_TWO, scoreMin) &&
    meetings.connections >= CONNECTIONS_OF_TWO;
  const isBeaconOfFour = isLong && ofFour >= scoreMin && timing >= Math.min(EVEN_OF_FOUR, scoreMin);
  const isEarly = isLong && !isBeaconOfFour && isBeaconOfTwo && meetings.span >= EARLY_SPAN;
  const intervals = intervalsOf(times);
  const interval = median(intervals);
  const isBeacon = interval >= INTERVAL_MIN && (isLong ? isBeaconOfFour || isEarly : isBeaconOfTwo);
  const score = isEarly ? ofTwo : ofFour;
  const ascending = Float64Array.from(sizes).sort();
  return {
    score,
    timing,
    size,
    histogram,
    duration,
    isBeacon,
    isEarly,
    severity: isEarly ? LOW : severityOf(score, meetings),
    interval,
    jitter: deviation(intervals),
    bytes: median(ascending),
    bytesJitter: deviation(ascending),
  };
}

/** What many hosts have is no secret channel: such a destination is never above low. */
function severityOf(score: number, { hosts, network }: Meetings): number {
  const prevalence = network < NETWORK_MIN ? undefined : hosts / network;
  if (prevalence !== undefined && prevalence >= COMMON && hosts >= COMMON_HOSTS) return LOW;
  const isRare = prevalence !== undefined && prevalence <= RARE;
  const threat = threatOf(score) + (isRare ? RARE_WEIGHT : 0);
  if (threat >= HIGH.threat) return HIGH.severity;
  return threat >= MEDIUM.threat ? MEDIUM.severity : LOW;
}
