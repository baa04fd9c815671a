// SPDX-License-Identifier: BSD-3-Clause
import { EXIT } from "../../core/errors.ts";
import type { MeterStats } from "../../core/flow/meter.ts";
import { Appliance } from "../appliance.ts";
import { meterTotal } from "../meter-total.ts";
import type { CaptureStats, SourceStats } from "../snapshot.ts";
import { captureLine } from "./capture-line.ts";
import { StopSignal } from "./drive.ts";
import { type CaptureFlags, livePlanOf, type MeterFlags } from "./options.ts";
import { say, sayFailure } from "./terminal.ts";

interface LiveFlags extends MeterFlags, CaptureFlags {
  readonly interface: string;
  readonly csv?: string;
}

/** What the Workers of an interface have counted together. */
export interface LiveTotal {
  readonly meter: MeterStats;
  readonly capture: Omit<CaptureStats, "state">;
  /** Flow records dropped since their reader was too slow. */
  readonly ringDrops: number;
}

/**
 * Meter an interface until a signal.
 * @param tell Told of the total at the end, when anything was captured.
 * @returns the exit code
 */
export async function meterLive(
  flags: LiveFlags,
  tell: (total: LiveTotal) => void,
): Promise<number> {
  const signal = new StopSignal();
  using appliance = new Appliance(
    {
      source: livePlanOf(flags),
      modules: [],
      sensor: "nemean",
      ...(flags.csv === undefined ? {} : { flows: flags.csv }),
    },
    { onAlert: () => {}, onWarning: (message) => say(`warning: ${message}`) },
  );
  void signal.wait.then(() => appliance.stop());
  if (await appliance.ready) say(`capturing from ${flags.interface}`);
  const failure = await appliance.ended();
  const { sources, ringDrops } = appliance.snapshot();
  for (const { name, capture } of sources) if (capture) say(captureLine(name, capture));
  if (ringDrops > 0) say(`warning: ${ringDrops} flow records dropped, --csv is too slow for them`);
  const meter = meterTotal(sources.map((source) => source.meter));
  if (meter) tell({ meter, capture: captureTotal(sources), ringDrops });
  return failure ? sayFailure(failure) : EXIT.ok;
}

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
