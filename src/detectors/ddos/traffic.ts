// SPDX-License-Identifier: BSD-3-Clause
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Microseconds of a window. */
export const WINDOW = 10 * SECOND;
/** Bytes of a second, and of a window, at one kb/s. */
export const SECOND_BYTES = 1000 / 8;
export const WINDOW_BYTES = SECOND_BYTES * (WINDOW / SECOND);
/** Windows held of each host: over five minutes, as long as flows usually last until they are told. */
export const WINDOWS = 32;
/** Windows for which sources are counted together: a minute. */
export const MINUTE = 6;
/** Windows of half a minute, and of the two minutes that a slow flood has to last. */
const HALF = 3;
const LASTING = 12;
/** Windows that a baseline has to stand on before a slow flood is judged by it. */
const KNOWN_WINDOWS = 12;
/** HyperLogLog of 256 registers: a standard error of 6.5 %, better below 100 sources. */
const SOURCES_BITS = 8;
/** Up to so many changes of the sketch are a source each: less than 3 % are missed, and an estimate is dear. */
const FEW_SOURCES = 16;

/**
 * Where in a host's numbers lies what. They lie together, in six cache lines: a column each would cost a miss each,
 * and made a flow half as dear again with 60,000 hosts.
 *
 * Windows are numbered since 1970. A mean begins at 0 with weight 0; divided by its weight it is that of the time
 * watched so far.
 */
const AT = {
  /** Number of the newest window. */
  newest: 0,
  /** Number of the first window that is known: what was before is no silence, nobody watched. */
  known: 1,
  /** Bytes from before the windows, which the baseline has not learnt yet. */
  earlier: 2,
  /** Mean bytes of a window before those held, and mean sources of a minute before the last two. */
  base: 3,
  weight: 4,
  sourcesBase: 5,
  sourcesWeight: 6,
  /** Sources of this minute, 0 when to be estimated anew; of the one before, and of the one before that. */
  counted: 7,
  /** How often the sketch of this minute's sources changed: as many sources as long as there are few. */
  changes: 10,
  /** Bytes of the flows that ended in this minute, and in the one before, whenever they were sent. */
  told: 11,
  /** Number of the newest window when one was last over the least rate of a flood. */
  busy: 13,
  /** What makes a suspect of the newest window, and what makes a flood of it together with the one before. */
  low: 14,
  high: 15,
  /** Bytes of the windows, each at its number modulo {@link WINDOWS}. */
  windows: 16,
} as const;
const STRIDE = AT.windows + WINDOWS;

export const windowOf = (time: number): number => Math.floor(time / WINDOW) | 0;

/** Rates from which on there is a flood: bytes of a window of a lasting one, and of a sure one; growth over the usual. */
export interface Limits {
  readonly least: number;
  readonly sure: number;
  readonly growth: number;
}

/** Where a flood begins in a host's windows. */
export interface Found {
  /** Number of its first window. */
  window: number;
  /** Bytes of a window that it has to reach, and that flows have to tell of in a minute. */
  limit: number;
  told: number;
  /** The baseline before it. */
  base: number;
  weight: number;
}

/** What each host received: bytes of the last windows, sources of the last minutes, and what is usual. */
export class HostTraffic {
  readonly #hosts: Float64Array;
  readonly #sources: HyperLogLog;
  readonly #limits: Limits;
  /** What a window and a minute add to a mean. */
  readonly #alpha: number;
  readonly #alphaMinute: number;
  readonly #weightKnown: number;
  readonly #found: Found = { window: 0, limit: 0, told: 0, base: 0, weight: 0 };

  constructor(hosts: number, baselineSeconds: number, limits: Limits, state: StateStore) {
    this.#hosts = state.column("traffic", "float64", hosts * STRIDE);
    this.#sources = new HyperLogLog("sources", hosts, SOURCES_BITS, state);
    this.#limits = limits;
    this.#alpha = 1 - Math.exp(-WINDOW / SECOND / baselineSeconds);
    this.#alphaMinute = 1 - (1 - this.#alpha) ** MINUTE;
    // Half a window less: weights are summed up window by window in one place, and computed at once in others.
    this.#weightKnown = 1 - (1 - this.#alpha) ** (KNOWN_WINDOWS - 0.5);
  }

  /** A host begins, silent since the time `watched`: its baseline is that silence. */
  begin(row: number, time: number, watched: number): void {
    const at = row * STRIDE;
    const window = windowOf(time);
    const known = Math.min(window, windowOf(watched) + 1);
    const silent = Math.max(0, window - known - WINDOWS);
    this.#hosts.fill(0, at, at + STRIDE);
    this.#hosts[at + AT.newest] = window;
    this.#hosts[at + AT.known] = known;
    this.#hosts[at + AT.weight] = 1 - (1 - this.#alpha) ** silent;
    this.#hosts[at + AT.sourcesWeight] = 1 - (1 - this.#alphaMinute) ** Math.floor(silent / MINUTE);
    this.#hosts[at + AT.busy] = window - WINDOWS;
    this.#hosts[at + AT.high] = Number.POSITIVE_INFINITY;
    this.#sources.clear(row);
  }

  /** Time has come to `time`: returns whether into a new window. Those that leave are learnt, unless there is a flood. */
  roll(row: number, time: number, learns: boolean): boolean {
    const hosts = this.#hosts;
    const at = row * STRIDE;
    const window = windowOf(time);
    const newest = hosts[at + AT.newest]! | 0;
    if (window <= newest) return false;
    this.#rollMinutes(row, Math.floor(newest / MINUTE), Math.floor(window / MINUTE), learns);
    const known = (hosts[at + AT.known]! | 0) + WINDOWS;
    const end = Math.min(window, newest + WINDOWS);
    for (let next = newest + 1; next <= end; next++) {
      const leaving = at + AT.windows + (next % WINDOWS);
      if (learns && next >= known) this.#learn(at, hosts[leaving]!);
      hosts[leaving] = 0;
    }
    if (learns && window > end) this.#learnSilence(at, window - end);
    hosts[at + AT.newest] = window;
    hosts[at + AT.low] = 0;
    hosts[at + AT.high] = Number.POSITIVE_INFINITY;
    return true;
  }

  #learn(at: number, bytes: number): void {
    const hosts = this.#hosts;
    const alpha = this.#alpha;
    // A part of what flows bring from earlier: a flood told of late must not become its own baseline at once.
    const earlier = hosts[at + AT.earlier]! / WINDOWS;
    hosts[at + AT.earlier]! -= earlier;
    hosts[at + AT.base]! += alpha * (bytes + earlier - hosts[at + AT.base]!);
    hosts[at + AT.weight]! += alpha * (1 - hosts[at + AT.weight]!);
  }

  #learnSilence(at: number, windows: number): void {
    const hosts = this.#hosts;
    const kept = (1 - this.#alpha) ** windows;
    const base = hosts[at + AT.base]! + this.#alpha * hosts[at + AT.earlier]!;
    hosts[at + AT.base] = base * kept;
    hosts[at + AT.earlier] = 0;
    hosts[at + AT.weight] = 1 - (1 - hosts[at + AT.weight]!) * kept;
  }

  #rollMinutes(row: number, from: number, to: number, learns: boolean): void {
    if (from === to) return;
    const hosts = this.#hosts;
    const alpha = this.#alphaMinute;
    const at = row * STRIDE;
    const counted = at + AT.counted;
    const end = Math.min(to, from + 3);
    let sources = this.#sourcesNow(row);
    for (let minute = from; minute < end; minute++) {
      // The one before the one before this.
      if (learns && (minute - 2) * MINUTE >= hosts[at + AT.known]!) {
        hosts[at + AT.sourcesBase]! += alpha * (hosts[counted + 2]! - hosts[at + AT.sourcesBase]!);
        hosts[at + AT.sourcesWeight]! += alpha * (1 - hosts[at + AT.sourcesWeight]!);
      }
      hosts[counted + 2] = hosts[counted + 1]!;
      hosts[counted + 1] = sources;
      sources = 0;
    }
    hosts[at + AT.told + 1] = to === from + 1 ? hosts[at + AT.told]! : 0;
    hosts[at + AT.told] = 0;
    hosts[counted] = 0;
    hosts[at + AT.changes] = 0;
    this.#sources.clear(row);
    if (!learns || to <= end) return;
    const kept = (1 - alpha) ** (to - end);
    hosts[at + AT.sourcesBase]! *= kept;
    hosts[at + AT.sourcesWeight] = 1 - (1 - hosts[at + AT.sourcesWeight]!) * kept;
  }

  /** Spread the bytes of a flow over its time. What lies before the windows is learnt later; nothing is lost. */
  add(row: number, first: number, last: number, bytes: number): void {
    const hosts = this.#hosts;
    const at = row * STRIDE;
    const oldest = (hosts[at + AT.newest]! | 0) - WINDOWS + 1;
    const from = windowOf(first);
    let window = windowOf(last);
    let rest = bytes;
    hosts[at + AT.told]! += bytes;
    if (from < window) {
      const rate = bytes / (last - first + 1);
      for (let end = last + 1; window > from && window >= oldest; window--) {
        const share = (end - window * WINDOW) * rate;
        this.#put(at, window, share);
        rest -= share;
        end = window * WINDOW;
      }
    }
    if (window < oldest) hosts[at + AT.earlier]! += rest;
    else this.#put(at, window, rest);
  }

  #put(at: number, window: number, bytes: number): void {
    const hosts = this.#hosts;
    const sum = hosts[at + AT.windows + (window % WINDOWS)]! + bytes;
    hosts[at + AT.windows + (window % WINDOWS)] = sum;
    if (sum >= this.#limits.least) hosts[at + AT.busy] = hosts[at + AT.newest]!;
  }

  /** Count a source of this minute by its hash; returns whether the estimate may have changed. */
  addSource(row: number, hash: number): boolean {
    if (!this.#sources.add(row, hash)) return false;
    this.#hosts[row * STRIDE + AT.counted] = 0;
    this.#hosts[row * STRIDE + AT.changes]!++;
    return true;
  }

  /** Whether any window held was over the least rate of a flood when a flow last added to it. */
  isBusy(row: number): boolean {
    const at = row * STRIDE;
    return this.#hosts[at + AT.newest]! - this.#hosts[at + AT.busy]! < WINDOWS;
  }

  /** Whether the newest window is well above the usual, as of when it began. */
  isSuspect(row: number): boolean {
    return (
      this.#newestBytes(row) >= Math.max(this.#limits.least, this.#hosts[row * STRIDE + AT.low]!)
    );
  }

  /** Whether the newest window and the one before are a sure flood, as of when the newest began. */
  isSure(row: number): boolean {
    return this.#newestBytes(row) >= this.#hosts[row * STRIDE + AT.high]!;
  }

  #newestBytes(row: number): number {
    return this.#bytesOf(row * STRIDE, this.#hosts[row * STRIDE + AT.newest]! | 0);
  }

  #bytesOf(at: number, window: number): number {
    return this.#hosts[at + AT.windows + (window % WINDOWS)]!;
  }

  /**
   * The first window held from which on there is a flood, measured by the baseline before it; undefined when there is
   * none. The same object each time. Call it when a window begins, which sets what the newest is judged by.
   */
  find(row: number): Found | undefined {
    const hosts = this.#hosts;
    const at = row * STRIDE;
    const { least, sure, growth } = this.#limits;
    const newest = hosts[at + AT.newest]! | 0;
    let base = hosts[at + AT.base]!;
    let weight = hosts[at + AT.weight]!;
    for (
      let window = Math.max(newest - WINDOWS + 1, hosts[at + AT.known]!) | 0;
      window < newest;
      window++
    ) {
      const bytes = this.#bytesOf(at, window);
      const usual = (growth * base) / (weight || 1);
      const low = Math.max(usual, least);
      const high = Math.max(usual, sure);
      const isSure = bytes >= high && this.#bytesOf(at, window + 1) >= high;
      const isKnown = weight > this.#weightKnown;
      if (isSure || (isKnown && bytes >= low && this.#lasts(at, window, low * HALF)))
        return Object.assign(this.#found, {
          window,
          limit: isKnown ? low : high,
          told: isSure ? high : low * MINUTE,
          base,
          weight,
        });
      if (window === newest - 1) {
        hosts[at + AT.low] = low;
        hosts[at + AT.high] = bytes >= high ? high : Number.POSITIVE_INFINITY;
      }
      base += this.#alpha * (bytes - base);
      weight += this.#alpha * (1 - weight);
    }
    return undefined;
  }

  /** Whether each half of a minute of the two minutes from a window on reaches a limit. */
  #lasts(at: number, first: number, limit: number): boolean {
    if (first + LASTING - 1 > this.#hosts[at + AT.newest]!) return false;
    for (let half = first; half < first + LASTING; half += HALF) {
      const sum =
        this.#bytesOf(at, half) + this.#bytesOf(at, half + 1) + this.#bytesOf(at, half + 2);
      if (sum < limit) return false;
    }
    return true;
  }

  /** Whether the flows told in this minute or in the one before were of so many sources, and brought so much. */
  isFromMany(row: number, sources: number, bytes: number): boolean {
    const told = row * STRIDE + AT.told;
    if (this.#hosts[told]! >= bytes && this.#sourcesNow(row) >= sources) return true;
    return (
      this.#hosts[told + 1]! >= bytes && this.#hosts[row * STRIDE + AT.counted + 1]! >= sources
    );
  }

  /** Sources of this minute or the one before, whichever had more. */
  sources(row: number): number {
    return Math.max(this.#sourcesNow(row), this.#hosts[row * STRIDE + AT.counted + 1]!);
  }

  #sourcesNow(row: number): number {
    const changes = this.#hosts[row * STRIDE + AT.changes]!;
    if (changes <= FEW_SOURCES) return changes;
    const at = row * STRIDE + AT.counted;
    if (this.#hosts[at] === 0) this.#hosts[at] = this.#sources.estimate(row);
    return this.#hosts[at]!;
  }

  /** Bytes of a usual window; 0 where nothing is known. */
  base(row: number): number {
    const at = row * STRIDE;
    return this.#hosts[at + AT.base]! / (this.#hosts[at + AT.weight]! || 1);
  }

  /** Sources of a usual minute; 0 where nothing is known. */
  sourcesBase(row: number): number {
    const at = row * STRIDE;
    return this.#hosts[at + AT.sourcesBase]! / (this.#hosts[at + AT.sourcesWeight]! || 1);
  }

  /** Whether the baseline stands on enough time to judge a slow flood by it. */
  isKnown(row: number): boolean {
    return this.#hosts[row * STRIDE + AT.weight]! > this.#weightKnown;
  }

  /** A flood begins: the baseline is what it was before. Returns the bytes since. */
  beginFlood(row: number, { window, base, weight }: Found): number {
    const at = row * STRIDE;
    this.#hosts[at + AT.base] = base;
    this.#hosts[at + AT.weight] = weight;
    let sum = 0;
    for (let i = window; i <= this.#hosts[at + AT.newest]!; i++) sum += this.#bytesOf(at, i);
    return sum;
  }

  /** When the last window that a flow is in and that reaches a limit ended, or the flow itself; 0 when none does. */
  lastAbove(row: number, first: number, last: number, limit: number): number {
    const at = row * STRIDE;
    const from = Math.max(windowOf(first), (this.#hosts[at + AT.newest]! | 0) - WINDOWS + 1);
    for (let window = windowOf(last); window >= from; window--)
      if (this.#bytesOf(at, window) >= limit) return Math.min(last, (window + 1) * WINDOW - 1);
    return 0;
  }

  /** A flood lasted until `last`: its windows become usual ones, so that it is not learnt. */
  forgetFlood(row: number, last: number): void {
    const hosts = this.#hosts;
    const at = row * STRIDE;
    const newest = hosts[at + AT.newest]! | 0;
    const end = Math.min(newest, windowOf(last));
    const base = this.base(row);
    for (let window = Math.max(0, newest - WINDOWS + 1); window <= end; window++) {
      const i = at + AT.windows + (window % WINDOWS);
      hosts[i] = Math.min(hosts[i]!, base);
    }
    hosts[at + AT.earlier] = 0;
  }

  /** From now on so many bytes of a window, and sources of a minute, are usual. */
  setBase(row: number, bytes: number, sources: number): void {
    const at = row * STRIDE;
    this.#hosts[at + AT.base] = bytes;
    this.#hosts[at + AT.weight] = 1;
    this.#hosts[at + AT.sourcesBase] = sources;
    this.#hosts[at + AT.sourcesWeight] = 1;
    this.#hosts[at + AT.earlier] = 0;
  }
}
