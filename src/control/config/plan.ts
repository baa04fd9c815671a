// SPDX-License-Identifier: BSD-3-Clause
import type { AppliancePlan } from "../appliance.ts";
import type { Config } from "./read.ts";

/** What a configuration comes to: the plan of an appliance. */
export function planOf({
  source,
  meter,
  plugins,
  flows,
  modules,
  sensor,
}: Config): Omit<AppliancePlan, "stateFolder"> {
  const { active, idle, linger, maxFlows, vlanInKey, tunnels } = meter;
  return {
    source: {
      kind: "live",
      workers: source.workers,
      capture: {
        interface: source.interface,
        ringBytes: source.ring << 20,
        backend: source.backend,
        meter: { active, idle, linger, flowsMax: maxFlows, vlanInKey, tunnels },
        ...(source.filter === "" ? {} : { filter: source.filter }),
      },
    },
    modules,
    sensor,
    ...(plugins.length === 0 ? {} : { plugins: { groups: plugins, compat: false } }),
    ...(flows.interfaces === "" ? {} : { interfaces: flows.interfaces }),
    ...(flows.ipfix === "" ? {} : { ipfix: flows.ipfix }),
  };
}
