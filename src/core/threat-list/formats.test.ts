// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FORMATS, type Format, formatOf, type ListText, readList } from "./formats.ts";
import { BrokenList, Intake } from "./intake.ts";
import { listsOf } from "./list-sets.ts";
import { AddressMatcher, DomainMatcher, type Kind, type Matcher, UrlMatcher } from "./matcher.ts";

const MATCHERS: Readonly<Record<Kind, () => Matcher>> = {
  ip: () => new AddressMatcher(),
  domain: () => new DomainMatcher(),
  url: () => new UrlMatcher(),
};

/** What a list says: values and the numbers of their lists, through the eyes of a matcher that writes them down. */
function read(kind: Kind, format: Format, text: string, more: Partial<ListText> = {}) {
  const matcher = MATCHERS[kind]();
  const values: unknown[] = [];
  const noting: Matcher = {
    kind,
    sets: matcher.sets,
    byteLength: 0,
    add(value, marked) {
      let ports: number | undefined;
      const why = matcher.add(
        value,
        marked &&
          ((port) => {
            ports = port;
            return marked(port);
          }),
      );
      if (why !== undefined || !marked) return why;
      matcher.sets.at(marked(ports)!, ports ?? 0);
      const lists = listsOf(matcher.sets);
      values.push(lists.length === 1 && lists[0] === 1 ? value : [value, ...lists]);
      return undefined;
    },
  };
  const intake = new Intake(noting, 1);
  for (const _ of readList({ text, format, written: Date.UTC(2024, 5), ...more }, intake));
  const { bad, unused, firstBad, firstBadLine } = intake;
  return { values, bad, unused, firstBad: bad > 0 ? `${firstBadLine}: ${firstBad}` : "" };
}

const broken = (kind: Kind, format: Format, text: string, more?: Partial<ListText>): string => {
  try {
    read(kind, format, text, more);
  } catch (error) {
    if (error instanceof BrokenList) return `${error.line}: ${error.message}`;
    throw error;
  }
  return "sound";
};

describe("readList, plain text:", () => {
  test("readList takes a value a line, and passes over comments", () => {
    const text =
      "\ufeff# Feed\r\n; drop\n203.0.113.7\r\n198.51.100.0/24 ; SBL1\n\n  2001:db8::/32\t# six\n// no\n192.0.2.1:8080";
    const { values, bad } = read("ip", "plain", text);
    expect(values).toEqual(["203.0.113.7", "198.51.100.0/24", "2001:db8::/32", "192.0.2.1:8080"]);
    expect(bad).toBe(0);
  });

  test("readList counts bad lines and names the first", () => {
    const text =
      "203.0.113.7\n203.0.113.300\n192.0.2.1\n1.2.3.4/33\n1.2.3.4/0\n192.0.2.2\n192.0.2.3\n";
    expect(read("ip", "plain", text)).toMatchObject({
      bad: 3,
      firstBad: '2: "203.0.113.300" is no address',
    });
    expect(read("ip", "plain", "192.0.2.1\n192.0.2.2 192.0.2.3\n").firstBad).toContain(
      "is more than one value; a table is format=csv",
    );
  });

  test("readList takes names of hosts files and of filter lists", () => {
    const text =
      "127.0.0.1 localhost\n0.0.0.0 Evil.Example\n::1 ip6-localhost\n||ads.example^\n! title\n*.wild.example\n.dot.example\nroot.example.\nbücher.example";
    expect(read("domain", "plain", text)).toMatchObject({
      values: [
        "Evil.Example",
        "ads.example",
        "*.wild.example",
        ".dot.example",
        "root.example.",
        "bücher.example",
      ],
      bad: 0,
      unused: 2,
    });
  });

  test.each([
    "com",
    "192.0.2.1",
    "a..b",
    "-a.example",
    `${"a".repeat(64)}.example`,
    "a b.example",
    "http://x.example/",
  ])("readList takes %p for no domain name", (name) => {
    expect(read("domain", "plain", `good.example\n${name}\n`).bad).toBe(1);
  });
});

describe("readList, CSV:", () => {
  const feed = [
    "# Firstseen,DstIP,DstPort",
    '2024-01-01 10:00:00,"203.0.113.7",443',
    "2024-01-02 10:00:00,203.0.113.8,8080",
    "2024-01-03 10:00:00,none,8080",
  ].join("\n");

  test("readList finds the column that holds addresses, below a header", () => {
    expect(read("ip", "csv", feed)).toMatchObject({
      values: ["203.0.113.7", "203.0.113.8"],
      bad: 1,
      firstBad: '4: "none" is no address',
    });
    expect(read("ip", "csv", `a;b\n1;203.0.113.7\n`).values).toEqual(["203.0.113.7"]);
    expect(read("ip", "csv", `a\tb\n1\t203.0.113.7\n`).values).toEqual(["203.0.113.7"]);
  });

  test("readList finds the column of URLs by their scheme, not by what only looks like a host", () => {
    const text =
      'id,file,url\n"1","a.exe","http://evil.example/a,b"\n"2","b.exe","http://evil.example/""c"""\n';
    expect(read("url", "csv", text).values).toEqual([
      "http://evil.example/a,b",
      'http://evil.example/"c"',
    ]);
  });

  test("readList takes the column that is named, by header or number", () => {
    const text = "src,dst\n192.0.2.1,203.0.113.7\n192.0.2.2,203.0.113.8\n";
    expect(read("ip", "csv", text, { column: "DST" }).values).toEqual([
      "203.0.113.7",
      "203.0.113.8",
    ]);
    expect(read("ip", "csv", text, { column: "2" }).values).toEqual(["203.0.113.7", "203.0.113.8"]);
    expect(read("ip", "csv", feed, { column: "dstip" }).values).toHaveLength(2);
    expect(broken("ip", "csv", text, { column: "ip" })).toBe('1: the header has no column "ip"');
  });

  test("readList counts rows without the column and quotes without an end", () => {
    const text = 'x,203.0.113.7\nx\n"x,203.0.113.8\nx,203.0.113.9\n';
    expect(read("ip", "csv", text)).toMatchObject({
      values: ["203.0.113.7", "203.0.113.9"],
      bad: 2,
      firstBad: '2: "x" has no ip where one should be',
    });
  });
});

describe("readList, JSON:", () => {
  test.each([
    ["texts", '["203.0.113.7"]'],
    ["objects", '[{"id":1,"ip_address":"203.0.113.7"}]'],
    ["an array in the document", '{"time":1,"list":[{"ioc_value":"203.0.113.7"}]}'],
    ["arrays by id", '{"1":[{"ip":"203.0.113.7"}]}'],
    ["JSON Lines", '{"cidr":"203.0.113.7"}\n{"type":"metadata","size":1}\n'],
  ])("readList takes values from %s", (_, text) => {
    expect(read("ip", "json", text)).toMatchObject({ values: ["203.0.113.7"], bad: 0 });
  });

  test("readList takes the member that is named, and counts objects without it", () => {
    const text = '[{"ip":"192.0.2.1","c2":"203.0.113.7"},{"ip":"192.0.2.2"},{"c2":"203.0.113.8"}]';
    expect(read("ip", "json", text, { column: "c2" })).toMatchObject({
      values: ["203.0.113.7", "203.0.113.8"],
      bad: 1,
      firstBad: '2: "{\\"ip\\":\\"192.0.2.2\\"}" has none of c2',
    });
  });

  test("readList says that a document is broken, and where nothing is in it", () => {
    expect(broken("ip", "json", '["203.0.113.7"')).toStartWith("0: is no JSON: ");
    expect(broken("ip", "json", "{}")).toBe("0: has no array of values");
    expect(broken("ip", "json", "7")).toBe("0: has no array of values");
  });
});

describe("readList, STIX:", () => {
  const bundle = (...objects: readonly object[]): string =>
    JSON.stringify({ type: "bundle", id: "bundle--1", objects });
  const indicator = (pattern: string, more = {}): object => ({
    type: "indicator",
    pattern_type: "stix",
    pattern,
    ...more,
  });

  test("readList takes addresses, names and URLs, each for whom they are", () => {
    const text = bundle(
      indicator("[ipv4-addr:value = '203.0.113.7']"),
      indicator("[ipv4-addr:value = '198.51.100.0/24'] OR [ipv6-addr:value = '2001:db8::1']"),
      indicator("[domain-name:value = 'evil.example' OR domain-name:value='bad.test']"),
      indicator("[url:value = 'http://evil.example/it\\'s']"),
      { type: "identity", name: "us" },
    );
    expect(read("ip", "stix", text)).toMatchObject({
      values: ["203.0.113.7", "198.51.100.0/24", "2001:db8::1"],
      bad: 0,
    });
    expect(read("domain", "json", text).values).toEqual(["evil.example", "bad.test"]);
    expect(read("url", "json", text).values).toEqual(["http://evil.example/it's"]);
  });

  test("readList leaves out what is revoked, over when the file was written, or more than alternatives", () => {
    const text = bundle(
      indicator("[ipv4-addr:value = '203.0.113.1']", { revoked: true }),
      indicator("[ipv4-addr:value = '203.0.113.2']", { valid_until: "2024-05-01T00:00:00Z" }),
      indicator("[ipv4-addr:value = '203.0.113.3']", { valid_until: "2024-07-01T00:00:00Z" }),
      indicator("[ipv4-addr:value = '203.0.113.4' AND network-traffic:dst_port = 443]"),
      indicator("[ipv4-addr:value = '203.0.113.5'] FOLLOWEDBY [url:value = 'http://a.example/']"),
      indicator("rule x", { pattern_type: "yara" }),
      indicator("[ipv4-addr:value = 'x']"),
      { type: "indicator" },
    );
    expect(read("ip", "stix", text)).toEqual({
      values: ["203.0.113.3"],
      bad: 2,
      unused: 5,
      firstBad: '7: "x" is no address',
    });
  });
});

describe("readList, MISP:", () => {
  const event = {
    Event: {
      info: "x",
      Attribute: [
        { type: "ip-dst", value: "203.0.113.7", to_ids: true },
        { type: "ip-dst|port", value: "203.0.113.8|8080", to_ids: true },
        { type: "ip-src|port", value: "2001:db8::1|8080", to_ids: true },
        { type: "ip-src", value: "192.0.2.1", to_ids: false },
        { type: "ip-src", value: "192.0.2.2", deleted: true },
        { type: "domain|ip", value: "evil.example|203.0.113.9", to_ids: true },
        { type: "md5", value: "00", to_ids: true },
        { type: "ip-src" },
      ],
      Object: [{ Attribute: [{ type: "hostname", value: "c2.evil.example", to_ids: true }] }],
    },
  };

  test.each([
    ["an event", event],
    ["events", [event]],
    ["an answer of the API", { response: [event] }],
  ])("readList takes attributes that are for detection from %s", (_, document) => {
    const text = JSON.stringify(document);
    expect(read("ip", "misp", text)).toMatchObject({
      values: ["203.0.113.7", "203.0.113.8:8080", "2001:db8::1", "203.0.113.9"],
      bad: 1,
      firstBad: "8: attribute without type and value",
    });
    expect(read("domain", "json", text).values).toEqual(["evil.example", "c2.evil.example"]);
  });
});

describe("readList, the original's files:", () => {
  test("readList takes prefixes with bitmaps, and ports for one list each", () => {
    const text = [
      "203.0.113.7,5",
      "198.51.100.0/24,9223372036854775808",
      "2001:0db8:0bad:0000:0000:0000:0000:0000/48,64",
      "192.0.2.1,3;1:0,443;2:8080",
      "192.0.2.2,7;1:443",
      "192.0.2.3,999",
      "192.0.2.4,999,8f14e45f-ceea",
    ].join("\n");
    expect(read("ip", "nemea", text)).toMatchObject({
      values: [
        ["203.0.113.7", 1, 3],
        ["198.51.100.0/24", 64],
        ["2001:0db8:0bad:0000:0000:0000:0000:0000/48", 7],
        "192.0.2.1",
        ["192.0.2.2", 2, 3],
        ["192.0.2.3", 1, 2, 3, 6, 7, 8, 9, 10],
      ],
      bad: 0,
      unused: 1,
    });
  });

  test("readList takes names and URLs with bitmaps", () => {
    expect(read("domain", "nemea", "evil.example\\9\n").values).toEqual([["evil.example", 1, 4]]);
    expect(read("url", "nemea", "evil.example/a\\b\\2\n").values).toEqual([
      ["evil.example/a\\b", 2],
    ]);
  });

  test.each([
    "203.0.113.8",
    "203.0.113.8,0",
    "203.0.113.8,x",
    "203.0.113.8,18446744073709551616",
    "203.0.113.8,1;1:x",
    "203.0.113.8,1;65:80",
    "203.0.113.8,1;1",
    "203.0.113.8,1;1:65536",
  ])("readList takes %p for a bad line", (line) => {
    expect(read("ip", "nemea", `203.0.113.7,1\n${line}\n`).bad).toBe(1);
  });
});

describe("readList", () => {
  test("readList refuses a file that is empty, and one of which more is bad than good", () => {
    expect(broken("ip", "plain", " \n")).toBe("0: is empty");
    expect(broken("ip", "plain", "# nothing is listed today\n")).toBe("sound");
    expect(broken("ip", "plain", "<html>\n<body>\n192.0.2.1\n")).toBe(
      '1: 2 bad lines, 1 good ones: "<html>" is no address',
    );
  });

  test("readList pauses within a long list", () => {
    const text = Array.from({ length: 50_000 }, (_, i) => `10.0.${i >>> 8}.${i & 255}`).join("\n");
    const list = { text, format: "plain", written: 0 } as const;
    expect([...readList(list, new Intake(new AddressMatcher(), 1))]).toHaveLength(3);
  });

  test("formatOf goes by the end of the name", () => {
    expect(["a.txt", "b.CSV", "c.json", "ip4.blist", "d", "e.netset"].map(formatOf)).toEqual([
      "plain",
      "csv",
      "json",
      "nemea",
      "plain",
      "plain",
    ]);
  });

  test("readList throws nothing but that a list is broken, whatever is in it", () => {
    const piece = fc.constantFrom(
      "203.0.113.7",
      "evil.example",
      "http://evil.example/",
      ",",
      ";",
      "\\",
      "\n",
      '"',
      "{",
      "}",
      "[",
      "]",
      ":",
      "|",
      "/",
      "1",
      "999",
      "'",
      " OR ",
      '"type":"bundle"',
      '"objects":',
      '"Event":',
      '"Attribute":',
      "é",
      "\0",
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
    const kinds = fc.constantFrom<Kind>("ip", "domain", "url");
    fc.assert(
      fc.property(text, kinds, fc.constantFrom(...FORMATS), (content, kind, format) => {
        broken(kind, format, content);
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
});
