// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { drawingOf, type Rectangle } from "./graph.ts";

const PROCESSES = [
  { name: "control", kind: "control" },
  { name: "capture@eth0", kind: "capture" },
  { name: "capture@eth1", kind: "capture" },
  { name: "detectors", kind: "detectors" },
  { name: "module@filter", kind: "module" },
] as const;
const MODULES = [
  { name: "filter", process: "module@filter" },
  { name: "vportscan", process: "detectors" },
  { name: "haddrscan", process: "detectors" },
  { name: "off", process: null },
];
const LINKS = [
  { from: "capture@eth0", to: "filter" },
  { from: "capture@eth1", to: "haddrscan" },
  { from: "filter", to: "vportscan" },
  { from: "filter", to: "u:copy" },
  { from: "vportscan", to: "alerts" },
  { from: "haddrscan", to: "alerts" },
  { from: "alerts", to: "sink:siem" },
];

const drawing = drawingOf(PROCESSES, MODULES, LINKS);
const node = (id: string) => drawing.nodes.find((each) => each.id === id)!;
const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const within = (inner: Rectangle, outer: Rectangle): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

test("drawingOf lets every link lead to the right: sources, modules, alerts, sinks", () => {
  for (const { from, to } of LINKS)
    expect([from, to, node(from).x < node(to).x]).toEqual([from, to, true]);
  expect(node("capture@eth0").x).toBe(node("capture@eth1").x);
  expect(node("off")).toBeUndefined();
});

test("drawingOf puts a process round what runs in it, and no box on another", () => {
  const box = (process: string) => drawing.boxes.find((each) => each.process === process)!;
  expect(drawing.boxes).toHaveLength(PROCESSES.length);
  for (const each of drawing.nodes)
    if (each.process !== null) expect(within(each, box(each.process))).toBe(true);
  for (const list of [drawing.boxes, drawing.nodes])
    for (const a of list) for (const b of list) if (a !== b) expect(overlap(a, b)).toBe(false);
  expect([node("u:copy").process, node("u:copy").kind]).toEqual([null, "interface"]);
  expect(node("sink:siem").process).toBe("control");
});

test("drawingOf lets a link that leads past a column pass below what stands there", () => {
  const passing = drawing.edges.filter(({ path }) => path.includes("H"));
  expect(passing.map(({ link }) => link)).toEqual([{ from: "haddrscan", to: "alerts" }]);
  const height = (path: string): number => Number(/ (\d+)H/.exec(path)![1]);
  for (const { link, path } of passing) {
    const [left, right] = [node(link.from).x + node(link.from).width, node(link.to).x];
    for (const { x, width, y, height: high } of [...drawing.boxes, ...drawing.nodes])
      if (x > left && x + width < right) expect(height(path)).toBeGreaterThan(y + high);
    expect(height(path)).toBeLessThan(drawing.height);
  }
});

test("drawingOf ends with links in a ring, to itself, and with nothing at all", () => {
  const ring = [
    { from: "filter", to: "vportscan" },
    { from: "vportscan", to: "filter" },
    { from: "filter", to: "filter" },
  ];
  const { nodes, edges } = drawingOf(PROCESSES, MODULES, ring);
  expect(edges).toHaveLength(3);
  expect(nodes.every(({ x }) => Number.isFinite(x))).toBe(true);
  expect(drawingOf([], [], [])).toMatchObject({ width: 0, height: 0 });
});
