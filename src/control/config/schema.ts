// SPDX-License-Identifier: BSD-3-Clause
import { COLLECTOR_PARAMS } from "../collector-source.ts";
import { allExporters, allModules } from "../modules.ts";
import {
  API,
  COLLECTOR,
  COMMAND,
  DETECTOR,
  FLOW_TARGETS,
  LIMITS,
  LINK,
  LISTS,
  METER,
  MODULE,
  type Setting,
  type Settings,
  SINK,
  SOURCE,
  TOP,
  USER,
} from "./shape.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The JSON Schema (draft 2020-12) of configuration files, for editors: of the same declarations that check them. */
export async function configSchema(): Promise<Schema> {
  const loaded = (await allModules()).filter(({ kind }) => kind !== "collector");
  const modules = Object.fromEntries(
    loaded.map(({ kind, def }) => {
      const own = kind === "detector" ? DETECTOR : MODULE;
      return [def.name, tableSchema({ ...own, ...def.params }, def.about)];
    }),
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
        items: { ...tableSchema(SOURCE, "What is captured."), required: ["interface"] },
      },
      collectors: {
        type: "object",
        additionalProperties: {
          ...tableSchema({ ...COLLECTOR_PARAMS, ...COLLECTOR }, "Flows of routers and probes."),
          required: ["listen"],
        },
      },
      meter: tableSchema(METER, "How flows are metered, and what is found in them."),
      flows: tableSchema(FLOW_TARGETS, "Where flows are sent."),
      api: tableSchema(API, "The HTTP API."),
      limits: tableSchema(LIMITS, "Bounds of what runs."),
      lists: tableSchema(LISTS, "Threat lists that are fetched."),
      commands: {
        type: "object",
        additionalProperties: {
          ...tableSchema(COMMAND, "A program that takes -i."),
          required: ["command"],
        },
      },
      users: {
        type: "object",
        additionalProperties: {
          ...tableSchema(USER, "A user that is there from the start."),
          required: ["passwordFile"],
        },
      },
      links: {
        type: "array",
        items: { ...tableSchema(LINK, "Where records go."), required: ["from", "to"] },
      },
      sinks: { type: "object", additionalProperties: { anyOf: sinks } },
      modules: { type: "object", additionalProperties: false, properties: modules },
    },
    anyOf: [{ required: ["sources"] }, { required: ["collectors"] }],
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
