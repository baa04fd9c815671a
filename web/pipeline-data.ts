// SPDX-License-Identifier: BSD-3-Clause
import { useRef } from "preact/hooks";
import type { LinkView, LogLine, ModuleView, ProcessView } from "../src/control/supervise/view.ts";
import type { Items } from "./api.ts";
import { CounterRates } from "./counter-rates.ts";
import { usePoll } from "./use-poll.ts";

/** Times come as text. */
export type Process = Omit<ProcessView, "since" | "retryAt"> & {
  readonly since: string;
  readonly retryAt: string | null;
};
export type Line = Omit<LogLine, "at"> & { readonly at: string };
export type { LinkView as Link, ModuleView as Module };

export const PROCESSES = "/api/v1/processes";
const MODULES = "/api/v1/modules";
const LINKS = "/api/v1/links";
const POLL_MS = 2000;

type Rates = ReadonlyMap<string, number>;

export interface PipelineData {
  readonly processes: readonly Process[] | undefined;
  readonly modules: readonly ModuleView[];
  readonly links: readonly LinkView[];
  /** CPU seconds a second, by process and by module (`module NAME`); records a second, by {@link linkKey}. */
  readonly rates: Rates;
  readonly error: string | undefined;
  readonly again: () => void;
}

export const linkKey = ({ from, fromPort, to, toPort, via }: LinkView): string =>
  JSON.stringify([from, fromPort, to, toPort, via]);

function useRates(counters: Iterable<readonly [string, number]>, at: number | undefined): Rates {
  const rates = useRef(new CounterRates());
  return at === undefined ? new Map() : rates.current.look(new Map(counters), at);
}

/** All that is told of the pipeline, again and again. */
export function usePipeline(): PipelineData {
  const processes = usePoll<Items<Process>>(PROCESSES, POLL_MS);
  const modules = usePoll<Items<ModuleView>>(MODULES, POLL_MS);
  const links = usePoll<Items<LinkView>>(LINKS, POLL_MS);
  const cpu = useRates(
    processes.data?.items.map(({ name, cpu, pid }) => [`${name} ${pid}`, cpu] as const) ?? [],
    processes.at,
  );
  const busy = useRates(
    modules.data?.items.map(({ name, busy }) => [`module ${name}`, busy] as const) ?? [],
    modules.at,
  );
  const records = useRates(
    links.data?.items.map((link) => [linkKey(link), link.records] as const) ?? [],
    links.at,
  );
  return {
    processes: processes.data?.items,
    modules: modules.data?.items ?? [],
    links: links.data?.items ?? [],
    rates: new Map([...cpu, ...busy, ...records]),
    error: processes.error ?? modules.error ?? links.error,
    again: processes.again,
  };
}

/** CPU of a process as a part of one core; undefined until it was looked at twice. */
export const cpuOf = ({ name, pid }: Process, rates: Rates): number | undefined =>
  pid === null ? undefined : rates.get(`${name} ${pid}`);
