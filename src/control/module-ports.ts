// SPDX-License-Identifier: BSD-3-Clause
/** What modules want to know of flows beside their basic fields, and the meter's outputs that tell them. @module */
import { FLOWS } from "../core/flow/flows.ts";
import { PROTOCOLS } from "../core/metadata/protocols.ts";
import type { AnyModule } from "../core/module.ts";
import { fieldOf, type Template } from "../core/unirec/template.ts";

/** An output of the meter for modules. Names of plugins; plain data. */
export interface ModulePort {
  /** It sends flows in which one of these found something; all flows where there are none. */
  readonly needs: readonly string[];
  /** Others whose fields its flows have where they are known. */
  readonly also: readonly string[];
}

/**
 * The outputs that modules want. An input that requires what a plugin finds gets a narrow one, of the flows in which it is found; inputs that
 * can do without get all flows with whatever they can use, and that output comes first. None for what basic fields are enough for.
 */
export const modulePorts = (defs: readonly AnyModule[]): ModulePort[] =>
  joinPorts(
    defs.flatMap(({ inputs }) => Object.values(inputs).flatMap((input) => wantOf(input) ?? [])),
  );

/** Outputs for modules of which some may be the same but for what they have also. */
export function joinPorts(wants: readonly ModulePort[]): ModulePort[] {
  const ports = new Map<string, ModulePort>();
  for (const want of wants) {
    const also = ports.get(keyOf(want))?.also ?? [];
    ports.set(keyOf(want), { ...want, also: [...new Set([...also, ...want.also])] });
  }
  return [...ports.values()].sort((a, b) => Number(hasNeeds(a)) - Number(hasNeeds(b)));
}

/** The output among those of {@link modulePorts} that an input reads; -1 where any flows will do and there is none of all flows. */
export function portFor(input: Template, ports: readonly ModulePort[]): number {
  const key = keyOf(wantOf(input) ?? ALL);
  return ports.findIndex((port) => keyOf(port) === key);
}

/** Whether there is an output of all flows, which then stands in for the flows that others get. */
export const hasAllFlows = ([first]: readonly ModulePort[]): boolean =>
  first !== undefined && !hasNeeds(first);

const ALL: ModulePort = { needs: [], also: [] };

const hasNeeds = ({ needs }: ModulePort): boolean => needs.length > 0;

const keyOf = ({ needs }: ModulePort): string => needs.join();

function wantOf(input: Template): ModulePort | undefined {
  const unknown = input.fields.filter(({ name, type }) => fieldOf(FLOWS, name)?.type !== type);
  const needs = cover(unknown.filter(({ optional }) => !optional).map(({ name }) => name));
  const also = cover(unknown.filter(({ optional }) => optional).map(({ name }) => name)).filter(
    (name) => !needs.includes(name),
  );
  return needs.length + also.length === 0 ? undefined : { needs, also };
}

/** Few plugins that together have the fields; those that no plugin has are passed over. */
function cover(fields: readonly string[]): string[] {
  const gain = (rest: readonly string[]) =>
    PROTOCOLS.map(({ name, fields: its }) => ({
      name,
      left: rest.filter((field) => !fieldOf(its, field)),
    })).reduce((best, each) => (each.left.length < best.left.length ? each : best));
  const names: string[] = [];
  for (let rest = fields; rest.length > 0; ) {
    const { name, left } = gain(rest);
    if (left.length === rest.length) break;
    names.push(name);
    rest = left;
  }
  return names.sort();
}
