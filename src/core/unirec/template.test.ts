// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property } from "fast-check";
import { NemeanError } from "../errors.ts";
import { biflow, fieldOf, missingFields, parseTemplate, template, uniflow } from "./template.ts";
import { anyTemplate, TYPES } from "./test-kit.ts";
import { elementOf, fixedBytes, isArrayType, SIZE } from "./types.ts";

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof NemeanError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "";
};

test("template knows the 29 types of UniRec, 13 of them arrays", () => {
  expect(TYPES).toHaveLength(29);
  expect(TYPES.filter(isArrayType)).toHaveLength(13);
  for (const type of TYPES.filter(isArrayType)) expect(SIZE[type]).toBe(-SIZE[elementOf(type)]);
});

test("template takes white space round items, and writes its own spec without", () => {
  const { spec } = parseTemplate(" uint16  B ,\n\tuint8 * A,ipaddr\tC ");
  expect(spec).toBe("ipaddr C,uint16 B,uint8* A");
});

test("template of nothing has no fields and no bytes", () => {
  for (const spec of ["", " \n"]) {
    expect(parseTemplate(spec).fields).toEqual([]);
    expect(parseTemplate(spec).fixedSize).toBe(0);
  }
});

test("template lets a name given twice collapse, unless its types differ", () => {
  expect(parseTemplate("uint8 A,uint16 B,uint8 A").spec).toBe("uint16 B,uint8 A");
  expect(codeOf(() => parseTemplate("uint8 A,uint16 A"))).toContain(
    "ERR_TEMPLATE: field A is both",
  );
});

test.each([
  "uint8",
  "uint8 A,",
  "uint8 A,,uint8 B",
  "uint9 A",
  "UINT8 A",
  "char* A",
  "string* A",
  "bytes* A",
  "constructor A",
  "uint8 1A",
  "uint8 A-B",
  "uint8 _A",
  "uint8 A B",
  "uint8 A;uint8 B",
  "A",
])('template refuses "%s" and names the item', (spec) => {
  expect(codeOf(() => parseTemplate(spec))).toContain("ERR_TEMPLATE: not a UniRec field");
});

test("template sorts names bytewise: digits, upper case, underscore, lower case", () => {
  const { spec } = parseTemplate("uint8 aa,uint8 A_,uint8 AA,uint8 A0,uint8 Aa,uint8 A");
  expect(spec).toBe("uint8 A,uint8 A0,uint8 AA,uint8 A_,uint8 Aa,uint8 aa");
});

test("template's fields lie without gaps and its spec gives the same template again", () => {
  assert(
    property(anyTemplate, (made) => {
      let offset = 0;
      for (const field of made.fields) {
        expect(field.offset).toBe(offset);
        offset += fixedBytes(field.type);
      }
      expect(made.fixedSize).toBe(offset);
      expect(parseTemplate(made.spec)).toEqual(made);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("template marks optional fields, whose mark is no part of the spec", () => {
  const flow = template("ipaddr SRC_IP, ?uint16 VLAN_ID, ?string NOTE");
  expect(flow.spec).toBe("ipaddr SRC_IP,uint16 VLAN_ID,string NOTE");
  expect(flow.fields.map(({ optional }) => optional)).toEqual([false, true, true]);
});

test("uniflow and biflow carry their direction, template has none", () => {
  expect(uniflow("uint8 A").direction).toBe("uniflow");
  expect(biflow("uint8 A").direction).toBe("biflow");
  expect(template("uint8 A")).not.toHaveProperty("direction");
});

test("missingFields names the required fields that are lacking or of another type", () => {
  const wanted = template("ipaddr SRC_IP, uint16 DST_PORT, ?uint8 TTL, string NOTE");
  const offered = template("ipaddr SRC_IP, uint32 DST_PORT");
  expect(missingFields(wanted, offered)).toEqual(["uint16 DST_PORT", "string NOTE"]);
  expect(missingFields(wanted, wanted)).toEqual([]);
  expect(fieldOf(offered, "DST_PORT")?.offset).toBe(16);
  expect(fieldOf(offered, "NOTE")).toBeUndefined();
});
