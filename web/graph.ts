// SPDX-License-Identifier: BSD-3-Clause
/**
 * Where things of the pipeline stand in its drawing.
 *
 *     column 0      1 …          next       last
 *     sources  ──►  modules  ──► alerts ──► sinks
 *
 * A process is a box round what runs in it. Boxes are stacked in the columns they span, so none lies on another. A link
 * that leads past a column passes below what stands there.
 *
 * @module
 */
import type { LinkView, ModuleView, ProcessView } from "../src/control/supervise/view.ts";

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface Node extends Rectangle {
  /** As links name it. */
  readonly id: string;
  /** The process it runs in; null for what stands outside, such as a TRAP interface. */
  readonly process: string | null;
  readonly kind: "source" | "module" | "alerts" | "sink" | "interface";
}
export interface Box extends Rectangle {
  readonly process: string;
}
export interface Edge<L> {
  readonly link: L;
  /** Path of an SVG. */
  readonly path: string;
  /** Where its numbers stand, and to which side they go on. */
  readonly label: { readonly x: number; readonly y: number; readonly anchor: "start" | "end" };
}
export interface Drawing<L> {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge<L>[];
}

const NODE = { width: 156, height: 44, gap: 16 } as const;
const PAD = 10;
/** Height of a box above its nodes: name, state and load of the process. */
const HEAD = 66;
/** Between columns, for the numbers of links. */
const AISLE = 80;
/** Between links that pass below a column. */
const TRACK = 16;
const BETWEEN_BOXES = 24;
const BOX_WIDTH = NODE.width + 2 * PAD;
const COLUMN = BOX_WIDTH + AISLE;

type Wire = Pick<LinkView, "from" | "to">;
type Proc = Pick<ProcessView, "name" | "kind">;
type Mod = Pick<ModuleView, "name" | "process">;

interface Placed {
  readonly id: string;
  readonly process: string | null;
  readonly kind: Node["kind"];
  readonly column: number;
}

function kindOf(id: string, modules: ReadonlySet<string>, processes: ReadonlySet<string>) {
  if (modules.has(id)) return "module";
  if (id === "alerts") return "alerts";
  if (id.startsWith("sink:")) return "sink";
  return processes.has(id) ? "source" : "interface";
}

/** The longest way from a source to each; rounds are bounded, so that a ring of links ends as well. */
function ranksOf(ids: ReadonlySet<string>, links: readonly Wire[]): Map<string, number> {
  const ranks = new Map([...ids].map((id) => [id, 0]));
  let isMoving = true;
  for (let round = 0; isMoving && round < ids.size; round++) {
    isMoving = false;
    for (const { from, to } of links) {
      const rank = ranks.get(from)! + 1;
      if (rank <= ranks.get(to)! || rank >= ids.size) continue;
      ranks.set(to, rank);
      isMoving = true;
    }
  }
  return ranks;
}

function placedOf(
  processes: readonly Proc[],
  modules: readonly Mod[],
  links: readonly Wire[],
): Placed[] {
  const homes = new Map(modules.map(({ name, process }) => [name, process]));
  const moduleNames = new Set(homes.keys());
  const processNames = new Set(processes.map(({ name }) => name));
  const ids = new Set(links.flatMap(({ from, to }) => [from, to]));
  for (const { name, process } of modules) if (process !== null) ids.add(name);
  for (const { name, kind } of processes) if (kind === "capture") ids.add(name);
  const isEnd = (id: string): boolean => id === "alerts" || id.startsWith("sink:");
  const middle = links.filter(({ from, to }) => !isEnd(from) && !isEnd(to));
  const ranks = ranksOf(ids, middle);
  // A module that nothing leads to stands with the modules all the same.
  for (const name of moduleNames) if (ranks.get(name) === 0) ranks.set(name, 1);
  const last = Math.max(0, ...[...ids].filter((id) => !isEnd(id)).map((id) => ranks.get(id)!));
  return [...ids].map((id): Placed => {
    const kind = kindOf(id, moduleNames, processNames);
    const control = processNames.has("control") ? "control" : null;
    const home = kind === "source" ? id : (homes.get(id) ?? null);
    return {
      id,
      kind,
      process: isEnd(id) ? control : home,
      column: kind === "alerts" ? last + 1 : kind === "sink" ? last + 2 : ranks.get(id)!,
    };
  });
}

/** Things that stand together: those of a process, or one that stands alone. */
interface Group {
  readonly process: string | null;
  readonly from: number;
  readonly to: number;
  readonly members: readonly Placed[];
}

function groupsOf(processes: readonly Proc[], placed: readonly Placed[]): Group[] {
  const last = Math.max(0, ...placed.map(({ column }) => column));
  const groups = processes.map(({ name, kind }): Group => {
    const members = placed.filter(({ process }) => process === name);
    const columns = members.map(({ column }) => column);
    // One without anything inside: control beside all, others where modules are.
    if (columns.length === 0) columns.push(kind === "control" ? Math.max(last, 1) : 1);
    return { process: name, from: Math.min(...columns), to: Math.max(...columns), members };
  });
  const alone = placed.filter(({ process }) => !groups.some((group) => group.process === process));
  return [
    ...groups,
    ...alone.map((member) => ({
      process: null,
      from: member.column,
      to: member.column,
      members: [member],
    })),
  ].sort((a, b) => a.from - b.from);
}

interface Stacked {
  readonly boxes: Box[];
  readonly nodes: Node[];
  /** How far down each column is filled. */
  readonly filled: number[];
}

/** Put groups below one another in the columns they span. */
function stack(groups: readonly Group[]): Stacked {
  const filled: number[] = [];
  const boxes: Box[] = [];
  const nodes: Node[] = [];
  for (const { process, from, to, members } of groups) {
    const spanned = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const top = Math.max(...spanned.map((column) => filled[column] ?? 0));
    const head = process === null ? PAD : HEAD;
    const rows = new Map<number, number>();
    for (const { column, ...member } of members) {
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      nodes.push({
        ...member,
        x: column * COLUMN + PAD,
        y: top + head + row * (NODE.height + NODE.gap),
        width: NODE.width,
        height: NODE.height,
      });
    }
    const most = Math.max(0, ...rows.values());
    const height = head + most * (NODE.height + NODE.gap) - (most > 0 ? NODE.gap : 0) + PAD;
    const width = (to - from) * COLUMN + BOX_WIDTH;
    if (process !== null) boxes.push({ process, x: from * COLUMN, y: top, width, height });
    for (const column of spanned) filled[column] = top + height + BETWEEN_BOXES;
  }
  return { boxes, nodes, filled };
}

/** Where on a node's side the i-th of so many links ends. */
const port = ({ y, height }: Rectangle, i: number, of: number): number =>
  y + (height * (i + 1)) / (of + 1);

const columnOf = ({ x }: Rectangle): number => Math.floor(x / COLUMN);

/** A line to the right, below what stands in the columns between; these are filled further then. */
function pathOf(from: Node, to: Node, [y1, y2]: readonly [number, number], filled: number[]) {
  const [x1, x2] = [from.x + from.width, to.x];
  const [first, last] = [columnOf(from) + 1, columnOf(to) - 1];
  if (first > last) {
    const bend = Math.max(48, Math.abs(x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  const between = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const y = Math.max(...between.map((column) => filled[column] ?? 0));
  for (const column of between) filled[column] = y + TRACK;
  const [left, right] = [first * COLUMN, last * COLUMN + BOX_WIDTH];
  const bend = AISLE / 2 + PAD;
  return (
    `M${x1} ${y1}C${x1 + bend} ${y1} ${left - bend} ${y} ${left} ${y}` +
    `H${right}C${right + bend} ${y} ${x2 - bend} ${y2} ${x2} ${y2}`
  );
}

function edgesOf<L extends Wire>({ nodes, filled }: Stacked, links: readonly L[]): Edge<L>[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const height = (id: string): number => byId.get(id)!.y;
  // In the order of their other ends, so that links of one node do not cross.
  const out = Map.groupBy(
    links.toSorted((a, b) => height(a.to) - height(b.to)),
    ({ from }) => from,
  );
  const into = Map.groupBy(
    links.toSorted((a, b) => height(a.from) - height(b.from)),
    ({ to }) => to,
  );
  return links.map((link) => {
    const [from, to] = [byId.get(link.from)!, byId.get(link.to)!];
    const [leaving, coming] = [out.get(link.from)!, into.get(link.to)!];
    const y1 = port(from, leaving.indexOf(link), leaving.length);
    const y2 = port(to, coming.indexOf(link), coming.length);
    // Where fewer links meet, there is more room for numbers.
    const atTarget = leaving.length > coming.length;
    return {
      link,
      path: pathOf(from, to, [y1, y2], filled),
      label: atTarget
        ? { x: to.x - PAD - 4, y: y2 - 4, anchor: "end" }
        : { x: from.x + from.width + PAD + 4, y: y1 - 4, anchor: "start" },
    };
  });
}

/** Draw processes, what runs in them, and the links between. */
export function drawingOf<L extends Wire>(
  processes: readonly Proc[],
  modules: readonly Mod[],
  links: readonly L[],
): Drawing<L> {
  const placed = placedOf(processes, modules, links);
  const stacked = stack(groupsOf(processes, placed));
  const { boxes, nodes, filled } = stacked;
  const edges = edgesOf(stacked, links);
  const all: readonly Rectangle[] = [...boxes, ...nodes];
  return {
    boxes,
    nodes,
    edges,
    width: Math.max(0, ...all.map(({ x, width }) => x + width)),
    height: Math.max(0, ...filled.filter(Number.isFinite)),
  };
}
