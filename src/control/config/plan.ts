// SPDX-License-Identifier: BSD-3-Clause
import type { Product, SourceEntry } from "../supervise/layout.ts";
import type { Config } from "./read.ts";

/** What a configuration comes to: sources, modules and how they are linked. */
export function productOf(config: Config): Product {
  const { sources, collectors, meter, plugins, flows, modules, commands, links, sensor, limits } =
    config;
  const { active, idle, linger, brief, maxFlows, vlanInKey, tunnels } = meter;
  return {
    sources: [
      ...sources.map(
        ({ interface: name, workers, ring, backend, filter }): SourceEntry => ({
          name,
          source: {
            kind: "live",
            workers,
            capture: {
              interface: name,
              ringBytes: ring * 1024 ** 2,
              backend,
              meter: { active, idle, linger, brief, flowsMax: maxFlows, vlanInKey, tunnels },
              ...(filter === "" ? {} : { filter }),
            },
          },
        }),
      ),
      ...collectors.flatMap(({ name, workers, params }) =>
        Array.from({ length: workers }, (_, i): SourceEntry => {
          const own = i === 0 ? name : `${name}.${i + 1}`;
          return { name: own, source: { kind: "collector", name: own, params } };
        }),
      ),
    ],
    idle,
    modules,
    commands,
    links,
    sensor,
    memory: limits.memory,
    ...(plugins.length === 0 ? {} : { plugins: { groups: plugins, compat: false } }),
    ...(flows.interfaces === "" ? {} : { interfaces: flows.interfaces }),
    ...(flows.ipfix === "" ? {} : { ipfix: flows.ipfix }),
  };
}
