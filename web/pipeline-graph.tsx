// SPDX-License-Identifier: BSD-3-Clause
import { count, share, short } from "./format.ts";
import { type Box, drawingOf, type Edge, type Node } from "./graph.ts";
import { Scroll } from "./parts.tsx";
import {
  cpuOf,
  type Link,
  linkKey,
  type Module,
  type PipelineData,
  type Process,
} from "./pipeline-data.ts";

type Rates = PipelineData["rates"];

/** The pipeline as a drawing: boxes are processes, lines are links. The tables below it have the same numbers. */
export function PipelineGraph({
  processes,
  modules,
  links,
  rates,
  chosen,
  onChoose,
}: {
  readonly processes: readonly Process[];
  readonly modules: readonly Module[];
  readonly links: readonly Link[];
  readonly rates: Rates;
  /** Name of the process whose panel is open. */
  readonly chosen: string | null;
  readonly onChoose: (process: string) => void;
}) {
  const { width, height, boxes, nodes, edges } = drawingOf(
    processes,
    modules,
    // What goes to a black hole goes nowhere.
    links.filter(({ to }) => !to.startsWith("b:")),
  );
  const byName = new Map(processes.map((process) => [process.name, process]));
  return (
    <Scroll label="Drawing of the pipeline">
      <svg
        class="pipeline"
        width={width + 2}
        height={height + 2}
        viewBox={`-1 -1 ${width + 2} ${height + 2}`}
      >
        <title>Processes, modules and links; the tables below have the same numbers</title>
        {boxes.map((box) => (
          <ProcessBox
            key={box.process}
            box={box}
            process={byName.get(box.process)!}
            rates={rates}
            isChosen={box.process === chosen}
            onChoose={onChoose}
          />
        ))}
        {edges.map((edge) => (
          <path
            key={linkKey(edge.link)}
            class={edge.link.dropped > 0 ? "edge bad" : "edge"}
            d={edge.path}
          />
        ))}
        {nodes.map((node) => (
          <NodeButton key={node.id} node={node} rates={rates} onChoose={onChoose} />
        ))}
        {edges.map((edge) => (
          <Numbers key={linkKey(edge.link)} edge={edge} rate={rates.get(linkKey(edge.link))} />
        ))}
      </svg>
    </Scroll>
  );
}

function loadText(process: Process, rates: Rates): string {
  if (process.pid === null) return process.restarts > 0 ? restartText(process.restarts) : "";
  const parts = [`${share(cpuOf(process, rates))} CPU`, short(process.memory, "B")];
  return parts.join(" · ");
}

const restartText = (restarts: number): string =>
  `${count(restarts)} ${restarts === 1 ? "restart" : "restarts"}`;

function ProcessBox({
  box: { x, y, width, height },
  process,
  rates,
  isChosen,
  onChoose,
}: {
  readonly box: Box;
  readonly process: Process;
  readonly rates: Rates;
  readonly isChosen: boolean;
  readonly onChoose: (process: string) => void;
}) {
  const { name, state, restarts } = process;
  return (
    <g class={`process ${state}${isChosen ? " chosen" : ""}`}>
      <rect x={x} y={y} width={width} height={height} rx="6" />
      <foreignObject x={x} y={y} width={Math.min(width, 176)} height="62">
        <button type="button" onClick={() => onChoose(name)} aria-pressed={isChosen}>
          <strong class="name" title={name}>
            {name}
          </strong>
          <span class="state">
            {state}
            {restarts > 0 && process.pid !== null ? ` · ${restartText(restarts)}` : ""}
          </span>
          <span class="load">{loadText(process, rates)}</span>
        </button>
      </foreignObject>
    </g>
  );
}

const ABOUT: Readonly<Record<Node["kind"], string>> = {
  source: "packets to flows",
  module: "module",
  alerts: "alert store",
  sink: "sink",
  interface: "TRAP interface",
};

function NodeButton({
  node: { id, kind, process, x, y, width, height },
  rates,
  onChoose,
}: {
  readonly node: Node;
  readonly rates: Rates;
  readonly onChoose: (process: string) => void;
}) {
  const busy = rates.get(`module ${id}`);
  const about = busy === undefined ? ABOUT[kind] : `busy ${share(busy)}`;
  const name = kind === "sink" ? id.slice("sink:".length) : kind === "source" ? "meter" : id;
  const inside = (
    <>
      <strong class="name">{name}</strong>
      <span class="load">{about}</span>
    </>
  );
  return (
    <foreignObject x={x} y={y} width={width} height={height}>
      {process === null ? (
        <div class="node">{inside}</div>
      ) : (
        <button type="button" class="node" onClick={() => onChoose(process)}>
          {inside}
        </button>
      )}
    </foreignObject>
  );
}

/** Of the numbers of a link. */
const LINE = 15;

function Numbers({
  edge: { link, label },
  rate,
}: {
  readonly edge: Edge<Link>;
  readonly rate: number | undefined;
}) {
  const { x, y, anchor } = label;
  return (
    <text class="numbers" x={x} y={y} text-anchor={anchor}>
      {short(rate)}/s
      {link.queued !== null && link.queued > 0 ? (
        <tspan class="queue" x={x} dy={LINE}>
          {short(link.queued)} wait
        </tspan>
      ) : null}
      {link.dropped > 0 ? (
        <tspan class="lost" x={x} dy={LINE}>
          {short(link.dropped)} lost
        </tspan>
      ) : null}
    </text>
  );
}
