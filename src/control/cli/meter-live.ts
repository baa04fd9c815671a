// SPDX-License-Identifier: BSD-3-Clause
import { EXIT } from "../../core/errors.ts";
import type { MeterStats } from "../../core/flow/meter.ts";
import type { IpfixStats } from "../../core/ipfix/exporter.ts";
import { Appliance, type AppliancePlan } from "../appliance.ts";
import { meterTotal } from "../meter-total.ts";
import type { CaptureStats, SourceStats } from "../snapshot.ts";
import { captureLine } from "./capture-line.ts";
import { StopSignal } from "./drive.ts";
import {
  type CaptureFlags,
  livePlanOf,
  type MeterFlags,
  type PluginFlags,
  pluginsOf,
} from "./options.ts";
import { type SendingFlags, sendingOf } from "./sending.ts";
import { say, sayFailure } from "./terminal.ts";

interface LiveFlags extends MeterFlags, CaptureFlags, PluginFlags, SendingFlags {
  readonly interface: string;
  readonly csv?: string;
}

/** What Workers have counted together. */
export interface LiveTotal {
  readonly meter: MeterStats;
  readonly capture: Omit<CaptureStats, "state">;
  /** Flow records dropped since their reader was too slow. */
  readonly ringDrops: number;
  readonly outputDrops: number;
  readonly exported?: IpfixStats;
}

/**
 * Meter an interface until a signal.
 * @param tell Told of the total at the end, when anything was captured.
 * @returns the exit code
 */
export const meterLive = (flags: LiveFlags, tell: (total: LiveTotal) => void): Promise<number> =>
  meterInWorkers(
    {
      source: livePlanOf(flags),
      ...pluginsOf(flags),
      ...(flags.csv === undefined ? {} : { flows: flags.csv }),
      ...sendingOf(flags),
    },
    { tell, onReady: () => say(`capturing from ${flags.interface}`) },
  );

/** Meter in Workers, whose outputs may wait for their receivers, until the source ends or a signal comes. */
export async function meterInWorkers(
  plan: Pick<AppliancePlan, "source" | "meter" | "plugins" | "flows" | "interfaces" | "ipfix">,
  { tell, onReady }: { tell: (total: LiveTotal) => void; onReady: () => void },
): Promise<number> {
  const signal = new StopSignal();
  using appliance = new Appliance(
    { ...plan, modules: [], sensor: "nemean" },
    { onAlert: () => {}, onWarning: (message) => say(`warning: ${message}`) },
  );
  void signal.wait.then(() => appliance.stop());
  if (await appliance.ready) onReady();
  const failure = await appliance.ended();
  const { sources, ringDrops, outputDrops, exported } = appliance.snapshot();
  for (const { name, capture } of sources) if (capture) say(captureLine(name, capture));
  if (ringDrops > 0) say(`warning: ${ringDrops} flow records dropped, --csv is too slow for them`);
  if (outputDrops > 0)
    say(
      `warning: ${outputDrops} flow records dropped for receivers that are too slow or not there`,
    );
  if (exported) say(exportLine(exported));
  const meter = meterTotal(sources.map((source) => source.meter));
  if (meter)
    tell({
      meter,
      capture: captureTotal(sources),
      ringDrops,
      outputDrops,
      ...(exported && { exported }),
    });
  return failure ? sayFailure(failure) : EXIT.ok;
}

const exportLine = ({ records, messages, tooLong, reconnects }: IpfixStats): string =>
  `${records} flow records exported in ${messages} messages` +
  `${tooLong > 0 ? `, ${tooLong} too long for one` : ""}${reconnects > 0 ? `, ${reconnects} reconnects` : ""}`;

function captureTotal(sources: readonly SourceStats[]): LiveTotal["capture"] {
  const total = { received: 0, dropped: 0, unread: 0, freezes: 0 };
  for (const { capture } of sources) {
    total.received += capture?.received ?? 0;
    total.dropped += capture?.dropped ?? 0;
    total.unread += capture?.unread ?? 0;
    total.freezes += capture?.freezes ?? 0;
  }
  return total;
}
