// SPDX-License-Identifier: BSD-3-Clause

const TWO_32 = 2 ** 32;
/** Last microsecond of the 32-bit second: what UniRec, IPFIX and classic captures can hold. */
export const TIME_MAX = TWO_32 * 1_000_000 - 1;

/**
 * Turns the 64-bit times of one pcapng interface into whole microseconds since 1970, rounded down.
 *
 * Exact without a bigint for units of 10^0 to 10^-12 s. Times that no 32-bit second can hold are moved
 * to the nearest that one can: they are damage, and must not upset what computes with them.
 */
export class TimeScale {
  /** Microseconds a unit, or else units a microsecond, or else neither. */
  private readonly factor: number;
  private readonly divisor: number;
  /** 2^32 = quotient * divisor + remainder, so that the high word can be divided by itself. */
  private readonly quotient: number;
  private readonly remainder: number;
  private readonly resolution: number;
  private readonly offset: number;

  /**
   * @param resolution if_tsresol: 10^-n s a unit, or 2^-n when the top bit is set (6 when absent)
   * @param offsetSeconds if_tsoffset: added to each time
   */
  constructor(resolution = 6, offsetSeconds = 0) {
    this.resolution = resolution;
    this.offset = offsetSeconds * 1_000_000;
    this.factor = resolution <= 6 ? 10 ** (6 - resolution) : 0;
    this.divisor = resolution > 6 && resolution <= 12 ? 10 ** (resolution - 6) : 0;
    this.remainder = this.divisor > 0 ? TWO_32 % this.divisor : 0;
    this.quotient = this.divisor > 0 ? (TWO_32 - this.remainder) / this.divisor : 0;
  }

  /** Microseconds of the time whose 32-bit halves are `high` and `low`, both without sign. */
  micros(high: number, low: number): number {
    let time: number;
    if (this.factor > 0) {
      time = (high * TWO_32 + low) * this.factor;
    } else if (this.divisor > 0) {
      // high * 2^32 alone exceeds 53 bits with nanoseconds; no term here does.
      time = high * this.quotient + Math.floor((high * this.remainder + low) / this.divisor);
    } else {
      time = this.microsOfRareUnit(high, low);
    }
    time += this.offset;
    return Math.min(Math.max(time, 0), TIME_MAX);
  }

  private microsOfRareUnit(high: number, low: number): number {
    const { resolution } = this;
    const units = (BigInt(high) << 32n) | BigInt(low);
    if (resolution >= 0x80) return Number((units * 1_000_000n) >> BigInt(resolution & 0x7f));
    return Number(units / 10n ** BigInt(resolution - 6));
  }
}
