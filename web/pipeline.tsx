// SPDX-License-Identifier: BSD-3-Clause
import { type Access, type Paths, sessionOf } from "./access.ts";
import { Counters } from "./counters.tsx";
import { count, share, short } from "./format.ts";
import { Card, Columns, Facts, Heading, Scroll, Trouble, Waiting } from "./parts.tsx";
import { cpuOf, linkKey, type PipelineData, PROCESSES, usePipeline } from "./pipeline-data.ts";
import { PipelineGraph } from "./pipeline-graph.tsx";
import { ProcessPanel } from "./process-panel.tsx";
import { hashOf } from "./routes.ts";

/** Processes, what runs in them, and what goes between. */
export function Pipeline({
  query,
  access,
  paths,
}: {
  readonly query: URLSearchParams;
  readonly access: Access;
  readonly paths: Paths;
}) {
  return (
    <>
      <Heading>Pipeline</Heading>
      {paths.has(PROCESSES) ? (
        <Supervised chosen={query.get("process")} access={access} />
      ) : (
        <Counters />
      )}
    </>
  );
}

const choose = (process: string): void => {
  location.hash = hashOf("pipeline", { query: { process } });
};

function Supervised({
  chosen,
  access,
}: {
  readonly chosen: string | null;
  readonly access: Access;
}) {
  const data = usePipeline();
  const { processes, error, again } = data;
  const process = processes?.find(({ name }) => name === chosen);
  return (
    <>
      <Trouble text={error} />
      <Waiting on={{ data: processes, ...(error === undefined ? {} : { error }) }} />
      {processes ? (
        <>
          <PipelineGraph {...data} processes={processes} chosen={chosen} onChoose={choose} />
          {chosen !== null && !process ? (
            <p class="trouble">There is no process {chosen} any more.</p>
          ) : null}
          {process ? (
            <ProcessPanel
              key={process.name}
              process={process}
              data={data}
              session={sessionOf(access, "operator")}
              onChanged={again}
              onClose={() => choose("")}
            />
          ) : null}
          <ProcessTable {...data} processes={processes} />
          <LinkTable {...data} />
          <Off modules={data.modules} />
        </>
      ) : null}
    </>
  );
}

const PROCESS_COLUMNS = ["Process", "State", "CPU", "Memory", "Restarts", "Modules", "Reason"];

function ProcessTable({
  processes,
  rates,
}: PipelineData & { readonly processes: NonNullable<PipelineData["processes"]> }) {
  return (
    <Card title="Processes">
      <Scroll label="Processes">
        <table class="processes">
          <Columns names={PROCESS_COLUMNS} numbers={["CPU", "Memory", "Restarts"]} />
          <tbody>
            {processes.map((process) => {
              const { name, state, memory, restarts, modules, reason } = process;
              return (
                <tr key={name}>
                  <th scope="row">
                    <a href={hashOf("pipeline", { query: { process: name } })}>{name}</a>
                  </th>
                  <td class={`state ${state}`}>{state}</td>
                  <td class="number">{share(cpuOf(process, rates))}</td>
                  <td class="number">{short(memory, "B")}</td>
                  <td class={restarts > 0 ? "number bad" : "number"}>{count(restarts)}</td>
                  <td>{modules.join(", ")}</td>
                  <td class="wide">{reason ?? ""}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

const LINK_COLUMNS = ["From", "To", "Over", "Records/s", "Records", "Lost", "Waiting"];

function LinkTable({ links, rates }: PipelineData) {
  return (
    <Card title="Links">
      <Scroll label="Links">
        <table class="links">
          <Columns names={LINK_COLUMNS} numbers={LINK_COLUMNS.slice(3)} />
          <tbody>
            {links.map((link) => (
              <tr key={linkKey(link)}>
                <th scope="row">
                  {link.from} <span class="note">{link.fromPort}</span>
                </th>
                <td>
                  {link.to} <span class="note">{link.toPort}</span>
                </td>
                <td>{link.via}</td>
                <td class="number">{short(rates.get(linkKey(link)))}</td>
                <td class="number">{count(link.records)}</td>
                <td class={link.dropped > 0 ? "number bad" : "number"}>{count(link.dropped)}</td>
                <td class="number">{link.queued === null ? "–" : count(link.queued)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

/** Modules that are there and do nothing. */
function Off({ modules }: Pick<PipelineData, "modules">) {
  const off = modules.filter(({ process }) => process === null);
  if (off.length === 0) return null;
  return (
    <Card title="Modules that are off">
      <Facts facts={off.map(({ name, about }) => [name, about])} />
    </Card>
  );
}
