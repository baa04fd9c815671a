// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { PROTOCOLS } from "../../metadata/protocols.ts";
import { NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { Mapping } from "./mapping.ts";

const text = (mapping: Mapping, name: string): string =>
  mapping
    .elementsOf(name)
    .map(
      ({ enterprise, number, name, list }) =>
        `${list > 0 ? `list ${list} of ` : ""}${enterprise}/${name || number}`,
    )
    .join(" ");

test("Mapping has the last element of a line as the best, and those of later lines behind it", () => {
  const mapping = new Mapping();
  expect(text(mapping, "SRC_IP")).toBe("0/27 0/8");
  expect(text(mapping, "TIME_FIRST")).toStartWith("0/156 0/154 0/152 0/150 ");
  expect(text(mapping, "PPI_PKT_LENGTHS")).toStartWith("list 291 of 8057/1013");
  expect([mapping.typeOf("PPI_PKT_LENGTHS"), mapping.typeOf("NO_SUCH")]).toEqual([
    "uint16*",
    undefined,
  ]);
});

test("Mapping puts an operator's elements in front of those built in, and takes new fields", () => {
  const mapping = new Mapping(
    "ipaddr SRC_IP e9id1 # NAT\n\n  uint32   VLAN e0id58,e0id243;string X e7id7",
  );
  expect(text(mapping, "SRC_IP")).toBe("9/1 0/27 0/8");
  expect(text(mapping, "VLAN")).toStartWith("0/243 0/58");
  expect(mapping.typeOf("X")).toBe("string");
});

test("Mapping takes elements in lists of any kind, and by the names that exporters tell", () => {
  const mapping = new Mapping(
    "uint32* A e0id292/e0id1,e0id293/e9:bytes;string B e9:app-name,e0id291/e8057:x.y_1",
  );
  expect(text(mapping, "A")).toBe("list 293 of 9/bytes list 292 of 0/1");
  expect(text(mapping, "B")).toBe("list 291 of 8057/x.y_1 9/app-name");
});

test.each([
  "uint32 X",
  "uint33 X e0id1",
  "uint32 x e0id1",
  "uint32 X e0id1,",
  "uint32 X iana:octets",
  "uint32 X e0:octetDeltaCount",
  "uint32 X e29305:octetDeltaCount",
  "uint32 X e9:1name",
  `uint32 X e9:${"n".repeat(65)}`,
  "uint32 X e0id290/e0id1",
  "uint32 X e0id292/e0id293/e0id1",
])("Mapping refuses a line that is none: %s", (line) => {
  expect(() => new Mapping(line)).toThrow(`not a mapping: "${line}"`);
});

test("Mapping knows each field that the meter's protocols export", () => {
  const mapping = new Mapping();
  for (const { fields } of PROTOCOLS)
    for (const { name } of fields.fields) expect(text(mapping, name)).not.toBe("");
});

const ROWS = "data/unirec-elements.txt";
const isThere = existsSync(sharedPath(ROWS));
test.skipIf(!isThere)(
  `Mapping has every row of the plugin's table${isThere ? "" : ` (${NO_SHARED})`}`,
  () => {
    const mapping = new Mapping();
    const rows = readFileSync(sharedPath(ROWS), "utf8")
      .split("\n")
      .map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
      .filter(([name, , elements = ""]) => name && !elements.startsWith("_"));
    const known = (name: string, element: string): boolean => {
      const [, enterprise, number] = /e(\d+)id(\d+)$/.exec(element) ?? [];
      // Rows that name elements in words have them in the plugin's own definitions.
      return text(mapping, name).includes(number === undefined ? "/" : `${enterprise}/${number}`);
    };
    const missing = rows.filter(
      ([name = "", , elements = ""]) => !elements.split(",").every((each) => known(name, each)),
    );
    expect(rows.length).toBeGreaterThan(200);
    expect(missing.map((row) => row.join(" "))).toEqual([]);
  },
);
