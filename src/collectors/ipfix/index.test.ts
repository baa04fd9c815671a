// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, ipfix, set, template } from "../../core/ipfix/collect/testing/messages.ts";
import { testModule } from "../../core/testing/declaration-kit.ts";
import { Harness } from "../../core/testing/run-module.ts";
import ipfixModule from "./index.ts";

testModule(ipfixModule as never, ["For", "Takes", "sFlow", "Fields", "Counts", "Bounds", "Tune"]);

const folder = mkdtempSync(join(tmpdir(), "nemean-ipfix-module-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "flows.ipfix");
const message = ipfix([
  set(
    2,
    template(256, [
      [7, 2],
      [2, 4],
      [9, 2, 4711],
    ]),
  ),
  set(256, bytesOf([80, 2], [3, 4], [0xabcd, 2])),
  set(256, bytesOf([443, 2], [5, 4], [0, 2])),
]);
writeFileSync(path, new Uint8Array(message.buffer));

/** What the module sends of the file. */
function run(params: Readonly<Record<string, unknown>>) {
  const harness = new Harness(ipfixModule as never, { listen: `file:${path}`, ...params });
  const { runner } = harness;
  const rows = harness.outcome().out["flows"];
  while (runner.produce() !== undefined);
  runner.end();
  return {
    spec: runner.outputs["flows"]!.template.spec,
    records: runner.outputs["flows"]!.records,
    rows,
    runner,
  };
}

test("ipfix sends the flows of its sources and ends with its files", () => {
  const { records, runner, spec } = run({});
  expect(records).toBe(2);
  expect(spec).toContain("ipaddr EXPORTER_IP");
  expect(runner.counters.snapshot()).toMatchObject({
    records: 2,
    messages: 1,
    templates_received: 1,
  });
});

test("ipfix has the fields, elements and raw fields that it is told", () => {
  const { spec, records } = run({
    fields: "SRC_PORT,OURS",
    mapping: "uint16 OURS e4711id9",
    raw: true,
  });
  expect([spec, records]).toEqual(["uint16 OURS,uint16 SRC_PORT,string RAW_FIELDS", 2]);
});

test("ipfix refuses to run without a source, and with fields that it does not know", () => {
  expect(() => run({ listen: "" })).toThrow("--listen udp:0.0.0.0:4739");
  expect(() => run({ fields: "NONSENSE" })).toThrow("NONSENSE");
});
