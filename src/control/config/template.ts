// SPDX-License-Identifier: BSD-3-Clause
import { allModules } from "../modules.ts";
import {
  API,
  DETECTOR,
  FLOW_TARGETS,
  LIMITS,
  LISTS,
  METER,
  type Setting,
  type Settings,
  SOURCE,
  TOP,
} from "./shape.ts";

/**
 * A configuration file to begin with: the interface, and every other setting as a comment with its default, written
 * from the declarations.
 */
export async function configTemplate(tap: string): Promise<string> {
  const detectors = (await allModules()).filter(({ kind }) => kind === "detector");
  const { interface: _, ...source } = SOURCE;
  return [
    "# Nemean's configuration. What is commented out is what holds without it.",
    "",
    ...rows(TOP),
    "",
    "[[sources]]",
    `interface = ${JSON.stringify(tap)}`,
    ...rows(source),
    "",
    "# Flows of routers and probes come by a table [collectors.NAME], beside an interface or in its place: docs/collectors.md.",
    ...table("meter", METER),
    ...table("flows", FLOW_TARGETS),
    ...table("api", API),
    ...table("limits", LIMITS),
    ...table("lists", LISTS),
    ...detectors.flatMap(({ def }) => [
      "",
      `# ${def.about}`,
      `[modules.${def.name}]`,
      ...rows({ ...DETECTOR, ...def.params }),
    ]),
    "",
  ].join("\n");
}

const table = (name: string, settings: Settings): string[] => ["", `[${name}]`, ...rows(settings)];

const rows = (settings: Settings): string[] =>
  Object.entries(settings).map(
    ([name, setting]) => `# ${name} = ${written(setting)}  # ${setting.about}`,
  );

/** TOML's texts, numbers, flags and lists are written as JSON's. */
const written = (setting: Setting): string => JSON.stringify(setting.default);
