// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { parseSources } from "./sources.ts";

const parse = (text: string) => parseSources(text, "ipblacklist");

describe("parseSources", () => {
  test("parseSources takes names, files and options, and numbers the lists", () => {
    expect(
      parse(
        "feodo=/lists/feodo.csv;severity=8;column=dst_ip, /lists/Drop list.txt,old=a/ip4.blist,x=y.txt;number=1;format=json",
      ),
    ).toEqual([
      {
        name: "feodo",
        path: "/lists/feodo.csv",
        format: "csv",
        severity: 8,
        column: "dst_ip",
        number: 2,
      },
      { name: "Drop_list", path: "/lists/Drop list.txt", format: "plain", severity: 7, number: 3 },
      { name: "old", path: "a/ip4.blist", format: "nemea", severity: 7, number: 0 },
      { name: "x", path: "y.txt", format: "json", severity: 7, number: 1 },
    ]);
    expect(parse(" , ")).toEqual([]);
    expect(parse("./a=b.txt")).toMatchObject([{ name: "a_b", path: "./a=b.txt" }]);
  });

  test.each([
    ["feodo=", "no file; expected name=path"],
    ["a.txt;sev=8", '";sev=8" is none of ;severity= ;format= ;column= ;number='],
    ["a.txt;severity=11", 'severity: expected 0 to 10, got "11"'],
    ["a.txt;severity=high", 'severity: expected 0 to 10, got "high"'],
    ["a.txt;number=0", 'number: expected 1 to 64, got "0"'],
    ["a.txt;number=1.5", 'number: expected 1 to 64, got "1.5"'],
    ["a.txt;format=xml", 'format: expected plain, csv, json, stix, misp, nemea, got "xml"'],
    ["a.blist;number=3", "number: such a file has its own"],
    ["x=a.txt,x=b.txt", "two lists are called x; give one another name: name=path"],
    ["a.txt;number=3,b.txt;number=3", "two lists have the number 3"],
    [Array.from({ length: 65 }, (_, i) => `l${i}.txt`).join(), "more than 64 lists"],
  ])("parseSources says what is wrong with %s", (text, what) => {
    expect(() => parse(text)).toThrow(what);
    expect(() => parse(text)).toThrow("ipblacklist: lists: ");
  });
});
