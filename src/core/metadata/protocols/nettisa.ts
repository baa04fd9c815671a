// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

const LENGTH_MAX = 0xffff;

const asDouble = (value: number): number => value;

/** The time series of payload lengths of a flow, both directions, while it grows. Times are microseconds. */
class Series implements FlowState {
  packets = 0;
  first = 0;
  last = 0;
  min = LENGTH_MAX;
  max = 0;
  sum = 0;
  squares = 0;
  mean = 0;
  /** Sums over the deviations from the mean of the packets before. */
  dispersion = 0;
  fourth = 0;
  scaledTime = 0;
  meanGap = 0;
  minGap = 0;
  maxGap = 0;
  distribution = 0;
  switches = 0;
  /** Length that the next packet's is compared with. */
  previous = 0;

  reset(): void {
    this.packets = 0;
    this.min = LENGTH_MAX;
    this.max = 0;
    this.sum = 0;
    this.squares = 0;
    this.mean = 0;
    this.dispersion = 0;
    this.fourth = 0;
    this.scaledTime = 0;
    this.meanGap = 0;
    this.minGap = 0;
    this.maxGap = 0;
    this.distribution = 0;
    this.switches = 0;
    this.previous = 0;
  }

  /** Take a packet in. `round` is the precision that sums are kept in, `compared` the length that switches. */
  add(packet: Packet, round: (value: number) => number, compared: number): void {
    const { time } = packet;
    const length = Math.min(packet.payloadLength, LENGTH_MAX);
    const n = ++this.packets;
    if (n === 1) {
      this.first = time;
      this.last = time;
    }
    this.#addGap(time, round, n);
    this.min = Math.min(this.min, length);
    this.max = Math.max(this.max, length);
    this.sum += length;
    const deviation = round(length - this.mean);
    this.mean = round(this.mean + round(deviation / n));
    this.squares = round(this.squares + length * length);
    this.dispersion = round(this.dispersion + Math.abs(deviation));
    this.fourth = round(this.fourth + deviation ** 4);
    if (this.previous !== compared) this.switches++;
    this.previous = compared;
  }

  #addGap(time: number, round: (value: number) => number, n: number): void {
    // Clocks of captures step back at times: a gap is never negative.
    const gap = round(Math.max(0, time - this.last));
    this.last = time;
    const sinceFirst = round(round(time - this.first) - this.scaledTime);
    this.scaledTime = round(this.scaledTime + round(sinceFirst / n));
    this.meanGap = round(this.meanGap + round(round(gap - this.meanGap) / n));
    this.minGap = Math.min(this.minGap, gap);
    this.maxGap = Math.max(this.maxGap, gap);
    this.distribution = round(this.distribution + Math.abs(round(this.meanGap - gap)));
  }
}

export default defineProtocol({
  name: "nettisa",
  about: "NetTiSA: statistics of the time series of payload lengths, gaps in microseconds.",
  fields: template(
    `float NTS_MEAN, uint16 NTS_MIN, uint16 NTS_MAX, float NTS_STDEV, float NTS_KURTOSIS,
     float NTS_ROOT_MEAN_SQUARE, float NTS_AVERAGE_DISPERSION, float NTS_MEAN_SCALED_TIME,
     float NTS_MEAN_DIFFTIMES, float NTS_MIN_DIFFTIMES, float NTS_MAX_DIFFTIMES,
     float NTS_TIME_DISTRIBUTION, float NTS_SWITCHING_RATIO`,
  ),
  elements: {
    NTS_MEAN: "e8057id1020",
    NTS_MIN: "e8057id1021",
    NTS_MAX: "e8057id1022",
    NTS_STDEV: "e8057id1023",
    NTS_KURTOSIS: "e8057id1024",
    NTS_ROOT_MEAN_SQUARE: "e8057id1025",
    NTS_AVERAGE_DISPERSION: "e8057id1026",
    NTS_MEAN_SCALED_TIME: "e8057id1027",
    NTS_MEAN_DIFFTIMES: "e8057id1028",
    NTS_MIN_DIFFTIMES: "e8057id1029",
    NTS_MAX_DIFFTIMES: "e8057id1030",
    NTS_TIME_DISTRIBUTION: "e8057id1031",
    NTS_SWITCHING_RATIO: "e8057id1032",
  },
  watch: { empty: true },
  byDefault: false,
  source: "Koumar et al., NetTiSA: Extended IP flow with time-series features, 2023",
  setup({ compat }: PluginOptions) {
    // ipfixprobe keeps sums in single precision, and its results show it.
    const round = compat ? Math.fround : asDouble;
    return {
      create: () => new Series(),
      onPacket(packet, slot) {
        // ipfixprobe compares lengths of frames, later versions those of payloads.
        const compared = compat ? packet.frameEnd - packet.frame : packet.payloadLength;
        slot.take().add(packet, round, compared);
        return VERDICT.more;
      },
      // ipfixprobe drops flows of one packet when they end.
      keeps: ({ packets }) => !compat || packets > 1,
      write(series, record) {
        const { packets, squares, fourth, min, minGap, maxGap } = series;
        const meanSquare = round(squares / packets);
        // ipfixprobe divides whole numbers here, and takes the shortest length for the shortest gap below.
        const mean = compat ? Math.floor(series.sum / packets) : series.sum / packets;
        const deviation = round(Math.sqrt(Math.max(0, meanSquare - mean * mean)));
        const range = maxGap - (compat ? min : minGap);
        record.NTS_MEAN = series.mean;
        record.NTS_MIN = min;
        record.NTS_MAX = series.max;
        record.NTS_STDEV = deviation;
        record.NTS_KURTOSIS = deviation === 0 ? 0 : fourth / (packets * deviation ** 4);
        record.NTS_ROOT_MEAN_SQUARE = Math.sqrt(meanSquare);
        record.NTS_AVERAGE_DISPERSION = series.dispersion / packets;
        record.NTS_MEAN_SCALED_TIME = series.scaledTime;
        record.NTS_MEAN_DIFFTIMES = series.meanGap;
        record.NTS_MIN_DIFFTIMES = minGap;
        record.NTS_MAX_DIFFTIMES = maxGap;
        record.NTS_TIME_DISTRIBUTION =
          packets < 2 || range === 0 ? 0 : round(series.distribution / (packets - 1)) / range;
        record.NTS_SWITCHING_RATIO = series.switches / packets;
      },
    };
  },
});
