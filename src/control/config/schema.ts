// SPDX-License-Identifier: BSD-3-Clause
import { allExporters, allModules } from "../modules.ts";
import {
  API,
  FLOW_TARGETS,
  METER,
  MODULE,
  type Setting,
  type Settings,
  SINK,
  SOURCE,
  TOP,
} from "./shape.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The JSON Schema (draft 2020-12) of configuration files, for editors: of the same declarations that check them. */
export async function configSchema(): Promise<Schema> {
  const detectors = (await allModules()).filter(({ kind }) => kind === "detector");
  const modules = Object.fromEntries(
    detectors.map(({ def }) => [def.name, tableSchema({ ...MODULE, ...def.params }, def.about)]),
  );
  const sinks = (await allExporters()).map((def) => {
    const { properties, ...rest } = tableSchema({ ...def.params, ...SINK }, def.about);
    return {
      ...rest,
      properties: { ...properties, exporter: { const: def.name } },
      required: ["exporter"],
    };
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Nemean's configuration",
    ...tableSchema(TOP),
    properties: {
      ...tableSchema(TOP).properties,
      sources: {
        type: "array",
        minItems: 1,
        maxItems: 1,
        items: { ...tableSchema(SOURCE, "What is captured."), required: ["interface"] },
      },
      meter: tableSchema(METER, "How flows are metered, and what is found in them."),
      flows: tableSchema(FLOW_TARGETS, "Where flows are sent."),
      api: tableSchema(API, "The HTTP API."),
      sinks: { type: "object", additionalProperties: { anyOf: sinks } },
      modules: { type: "object", additionalProperties: false, properties: modules },
    },
    required: ["sources"],
  };
}

function tableSchema(settings: Settings, about?: string) {
  return {
    type: "object",
    additionalProperties: false,
    ...(about === undefined ? {} : { description: about }),
    properties: Object.fromEntries(
      Object.entries(settings).map(([name, setting]) => [name, settingSchema(setting)]),
    ),
  };
}

function settingSchema(setting: Setting): Schema {
  const common = { description: setting.about, default: setting.default };
  if (setting.kind === "texts") return { ...common, type: "array", items: { type: "string" } };
  const { kind, options, min, max } = setting;
  if (kind === "flag") return { ...common, type: "boolean" };
  if (kind === "text") return { ...common, type: "string" };
  if (options) return { ...common, enum: options };
  return {
    ...common,
    type: kind === "count" ? "integer" : "number",
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  };
}
