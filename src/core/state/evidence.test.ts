// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Batch } from "../batch.ts";
import { type AnyReader, reader } from "../unirec/reader.ts";
import { parseTemplate, type Template, template } from "../unirec/template.ts";
import { packBatch } from "../unirec/writer.ts";
import { StateStore } from "./state-store.ts";

const declared = template("ipaddr SRC_IP, uint16 DST_PORT, string NOTE");

/** A cursor on a record of `layout`. */
function on(layout: Template, row: Record<string, unknown>): AnyReader {
  const cursor = reader(declared, layout) as AnyReader;
  cursor.reset(packBatch(layout, [row as never], new Batch()));
  expect(cursor.next()).toBe(true);
  return cursor;
}

const row = (port: number, note = "") => ({ SRC_IP: "192.0.2.1", DST_PORT: port, NOTE: note });

test("Evidence keeps the declared fields of a sender's longer layout within its slot", () => {
  const store = new StateStore(() => {});
  const evidence = store.evidence("evidence", 2, declared);
  const many = Array.from({ length: 40 }, (_, i) => `ipaddr EXTRA_${i}`).join(",");
  const wide = parseTemplate(`${declared.spec},${many}`);
  const [first, second] = [evidence.take(0), evidence.take(1)];
  evidence.keep(second, 1, on(declared, row(2, "neighbour")));
  for (let port = 100; port < 125; port++) evidence.keep(first, 0, on(wide, row(port, "wide")));
  expect(evidence.flows(first, 0)).toHaveLength(20);
  expect(evidence.flows(first, 0)[0]).toEqual(row(105, "wide"));
  expect(evidence.flows(second, 1)).toEqual([row(2, "neighbour")]);
});

test("Evidence keeps what it has when the sender's layout changes", () => {
  const store = new StateStore(() => {});
  const evidence = store.evidence("evidence", 1, declared);
  const slot = evidence.take(0);
  evidence.keep(slot, 0, on(declared, row(1)));
  evidence.keep(slot, 0, on(parseTemplate(`${declared.spec},uint64 BYTES`), row(2)));
  expect(evidence.flows(slot, 0)).toEqual([row(1), row(2)]);
});

test("Evidence reads after a restart what a sender of another layout left", () => {
  const [former, later] = [new StateStore(() => {}), new StateStore(() => {})];
  const before = former.evidence("evidence", 1, declared);
  const slot = before.take(0);
  before.keep(slot, 0, on(parseTemplate(`${declared.spec},time TIME_LAST`), row(7, "kept")));
  const after = later.evidence("evidence", 1, declared);
  expect(later.restore(former.save())).toBe(true);
  expect(after.flows(slot, 0)).toEqual([row(7, "kept")]);
});

test("Evidence of another declared layout is not restored", () => {
  const [former, later] = [new StateStore(() => {}), new StateStore(() => {})];
  former.evidence("evidence", 1, declared);
  later.evidence("evidence", 1, template("ipaddr DST_IP, uint16 DST_PORT, string NOTE"));
  expect(later.restore(former.save())).toBe(false);
});

test("Evidence keeps the fields of fixed size of a record too long for it", () => {
  const evidence = new StateStore(() => {}).evidence("evidence", 1, declared);
  const slot = evidence.take(0);
  evidence.keep(slot, 0, on(declared, row(9, "x".repeat(300))));
  expect(evidence.flows(slot, 0)).toEqual([row(9)]);
});

test("Evidence of a slot that was given away is empty", () => {
  const evidence = new StateStore(() => {}).evidence("evidence", 1, declared);
  const slot = evidence.take(0);
  evidence.keep(slot, 0, on(declared, row(1)));
  evidence.take(5);
  evidence.keep(slot, 0, on(declared, row(2)));
  expect(evidence.flows(slot, 0)).toEqual([]);
  expect(evidence.flows(slot, 5)).toEqual([]);
});
