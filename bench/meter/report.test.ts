// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { bytesPerFlow, flowsText, median, reportCapture } from "./report.ts";
import { lastJsonObject, matchNumber, type Sample, type Tool } from "./tools.ts";

const tool = (name: string, counts: Tool["counts"] = "biflows"): Tool => ({
  name,
  counts,
  run: () => Promise.reject(new Error("never run here")),
});

const sample = (cpuSeconds: number, flows?: number, rssBefore?: number): Sample => ({
  process: { exitCode: 0, cpuSeconds, wallSeconds: 1, rssPeak: 200e6, stdout: "", stderr: "" },
  flows,
  packets: undefined,
  rssBefore,
});

test("median takes the middle, or the mean of the two middles", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("flowsText calls a count exact only when every run met the truth", () => {
  const meter = tool("nemean");
  expect(flowsText(meter, [sample(1, 1000), sample(1, 1000)], 1000)).toBe("1,000 EXACT");
  expect(flowsText(meter, [sample(1, 1000), sample(1, 999)], 1000)).toBe("1,000/999 OFF");
  expect(flowsText(meter, [sample(1)], 1000)).toBe("? OFF");
  expect(flowsText(meter, [sample(1, 5)])).toBe("5");
  expect(flowsText(tool("x", "uniflows"), [sample(1, 5)], 5)).toBe("5 uniflows");
});

test("reportCapture gives medians and ratios to ours", () => {
  const [nemean, peer] = [tool("nemean"), tool("peer")];
  const capture = { name: "c", path: "c.pcap", size: 5e6, truth: { packets: 8e6, flows: 10 } };
  const results = new Map([
    [nemean, [sample(2, 10), sample(4, 10), sample(2, 10)]],
    [peer, [sample(40, 11)]],
  ]);
  const lines = reportCapture(capture, results, nemean).split("\n");
  expect(lines[0]).toBe("c: 8,000,000 packets, 5 MB, 10 biflows");
  expect(lines[2]!.split(/\s+/)).toEqual([
    "nemean",
    "2.00",
    "2.00-4.00",
    "4.00",
    "200",
    "10",
    "EXACT",
    "1.0",
  ]);
  expect(lines[3]!.split(/\s+/)).toEqual([
    "peer",
    "40.00",
    "40.00-40.00",
    "0.20",
    "200",
    "11",
    "OFF",
    "20.0",
  ]);
});

test("bytesPerFlow divides what the table added to the process", () => {
  expect(bytesPerFlow([sample(1, 1_000_000, 50e6)])).toBe(150);
  expect(bytesPerFlow([sample(1, 1_000_000)])).toBeUndefined();
});

test("lastJsonObject finds the statistics behind other lines, or over several", () => {
  expect(lastJsonObject('reading x\n{"flows": 3}\n')).toEqual({ flows: 3 });
  expect(lastJsonObject('{\n  "flows": 3\n}\n')).toEqual({ flows: 3 });
  expect(lastJsonObject("nothing")).toEqual({});
});

test("matchNumber reads a peer's report", () => {
  expect(matchNumber("Flows exported: 12 (13 records)", /Flows exported: (\d+)/)).toBe(12);
  expect(matchNumber("", /Flows exported: (\d+)/)).toBeUndefined();
});
