// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { type Address, parseIp } from "../../core/unirec/ip.ts";
import { AddressList, isWithin, parseEntry, parsePrefixes } from "./address-list.ts";
import { judgedPorts } from "./behaviour.ts";
import { parseConfig } from "./config.ts";
import { CONTENT, contentOf } from "./content.ts";
import { type Traits, treeSaysMiner } from "./decision-tree.ts";
import { isPoolName, mayBePool } from "./names.ts";
import { StratumProbe } from "./stratum-probe.ts";
import { fakeServers, GREETING, STRATUM } from "./testing/fake-pool.ts";

const ip = (text: string): Address => parseIp(text)!;
const viewOf = (text: string): DataView => {
  const bytes = Buffer.from(text, "latin1");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
};

describe("contentOf", () => {
  const found = (text: string): number => contentOf(viewOf(text), 0, text.length);
  const wallet = "0c9a9d212f7e5daa18ab508110e0fd255d1f0430";

  test.each([
    '{"id":1,"method":"mining.subscribe","params":[]}',
    '{"id": 2, "method" : "mining.authorize", "params": ["x", "y"]}',
    '{"id":100,"method":"mining.submit","params":["t1FahAZ5UaJdY7Ci',
    '{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","params":["0x',
    '{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"48edf',
    '{"method":"login","params":{"agent":"x/1"',
    '{"method":"submit","params":{"id":"479059546883218","job_id":"6520',
    `{"worker": "eth1.0", "jsonrpc": "2.0", "params": ["0x${wallet}/tester`,
  ])("contentOf takes %s for a miner's", (text) => {
    expect(found(text)).toBe(CONTENT.miner);
  });

  test.each([
    '{"id":null,"method":"mining.notify","params":["2825d8"',
    '{"id":1,"result":[[["mining.notify","ae68"]],"08000002",4]}',
    '{"jsonrpc":"2.0","method":"job","params":{"blob":"0606',
    '{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"1","job":{"blob":"0606e988',
  ])("contentOf takes %s for a pool's", (text) => {
    expect(found(text)).toBe(CONTENT.pool);
  });

  test.each(["\x01\x21\x01\x01\x01\x01\x01\x01\x06\x01\0\0", "\xf9\xbe\xb4\xd9version\0\0\0\0\0"])(
    "contentOf takes %j for a node's",
    (text) => {
      expect(found(text)).toBe(CONTENT.node);
    },
  );

  test.each([
    "",
    "{",
    '{"id":1,"method":"login","params":["x"]}',
    '{"method":"job","params":{}}',
    '{"jsonrpc":"2.0","id":1,"result":"ok"}',
    "GET /mining.subscribe HTTP/1.1\r\n",
    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\x01",
  ])("contentOf finds nothing in %j", (text) => {
    expect(found(text)).toBe(CONTENT.nothing);
  });

  test("contentOf looks at any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, isJson) => {
        const all = isJson ? Uint8Array.from([0x7b, ...bytes]) : bytes;
        expect(contentOf(new DataView(all.buffer), 0, all.length)).toBeWithin(0, 4);
      }),
      { seed: 1 },
    );
  });
});

describe("isPoolName", () => {
  const isFound = (name: string): boolean =>
    mayBePool(viewOf(name), 0, name.length) && isPoolName(name);

  test.each([
    "xmr-eu1.nanopool.org",
    "pool.supportxmr.com",
    "gulf.moneroocean.stream",
    "stratum.braiins.com",
    "eth.2miners.com",
    "XMR.Pool.example.net",
    "xmrpool.example",
    "mine-btc.example.co.uk",
    "ss.antpool.com",
    "ltc.viabtc.com",
    "pool.hashvault.pro",
  ])("isPoolName knows %s", (name) => {
    expect(isFound(name)).toBe(true);
  });

  test.each([
    "",
    "2.pool.ntp.org",
    "www.minecraft.net",
    "carpool.example.com",
    "eth.example.com",
    "mineral-water.example",
    "nanopool.org.evil.example.com.attacker.net",
    "mystratum.example",
    "hash.example.com",
  ])("isPoolName passes %j", (name) => {
    expect(isFound(name)).toBe(false);
  });
});

describe("lists of addresses", () => {
  test.each([
    ["192.0.2.1", 0],
    ["192.0.2.1:3333", 3333],
    ["2001:db8::1", 0],
    ["[2001:db8::1]:3333", 3333],
    ["[2001:db8::1]", 0],
  ])("parseEntry reads %s", (text, port) => {
    expect(parseEntry(text)?.port).toBe(port);
  });

  test.each(["", "x", "192.0.2.1:65536", "192.0.2.1:", "192.0.2.256", "[2001:db8::1]:x", "a:b"])(
    "parseEntry refuses %j",
    (text) => {
      expect(parseEntry(text)).toBeUndefined();
    },
  );

  test("AddressList has a port of an address, or all of them", () => {
    const list = new AddressList([parseEntry("192.0.2.1:3333")!, parseEntry("2001:db8::1")!]);
    expect(list.has(ip("192.0.2.1"), 3333)).toBe(true);
    expect(list.has(ip("192.0.2.1"), 3334)).toBe(false);
    expect(list.has(ip("2001:db8::1"), 9)).toBe(true);
    expect(new AddressList([]).has(ip("::"), 0)).toBe(false);
  });

  test("isWithin compares the first bits, of IPv4 and IPv6 apart", () => {
    const prefixes = parsePrefixes("x", "10.0.0.0/8, 192.0.2.128/25,2001:db8::/33,::1");
    const isIn = (text: string): boolean => isWithin(ip(text), prefixes);
    for (const text of ["10.255.0.1", "192.0.2.200", "2001:db8:7fff::9", "::1"])
      expect([text, isIn(text)]).toEqual([text, true]);
    for (const text of ["11.0.0.1", "192.0.2.127", "2001:db8:8000::9", "::2", "::a00:1"])
      expect([text, isIn(text)]).toEqual([text, false]);
    expect(isWithin(ip("8.8.8.8"), parsePrefixes("x", "0.0.0.0/0"))).toBe(true);
    expect(isWithin(ip("::8"), parsePrefixes("x", "0.0.0.0/0"))).toBe(false);
    expect(() => parsePrefixes("x", "10.0.0.0/33")).toThrow("10.0.0.0/33");
  });

  test("judgedPorts leaves out ports and ranges", () => {
    const judged = judgedPorts("0-1023, 3389");
    expect([judged[1023], judged[1024], judged[3389], judged[65_535]]).toEqual([0, 1, 0, 1]);
  });
});

describe("parseConfig", () => {
  const xml = (elements: string): string =>
    `<?xml version="1.0"?>\n<!-- <x> -->\n<configuration>\n<struct name="main struct">${elements}</struct></configuration>\n`;
  const element = (name: string, value: string): string =>
    `\n<element name="${name}">${value}</element>`;

  test("parseConfig reads elements of one struct, and has defaults for the others", () => {
    const text = xml(
      `<!-- a\nremark -->${element("stratum_check", "true")}${element("check_period", " 20 ")}${element("blacklist_file", "bl.txt")}${element("whitelist_file", "-")}`,
    );
    expect(parseConfig(text, "/etc/x")).toMatchObject({
      stratum_check: true,
      check_period: 20,
      blacklist_file: "/etc/x/bl.txt",
      whitelist_file: "",
      timeout_active: 300,
      score_treshold: 7,
    });
  });

  test.each([
    ["", "no <configuration>"],
    ["<configuration></configuration>", "no <configuration>"],
    [xml(element("colour", "red")), "no such element: colour"],
    [xml(element("__proto__", "1")), "no such element"],
    [xml(element("check_period", "-1")), 'check_period: expected a number, got "-1"'],
    [xml(element("stratum_check", "yes")), "expected true or false"],
    [xml(`${element("check_period", "1")}<x/>`), "got <x/>"],
    [xml(element("check_period", "&one;")), "expected <element"],
  ])("parseConfig refuses %j", (text, why) => {
    expect(() => parseConfig(text, "/")).toThrow(why);
  });
});

const FACTS = "golden/detectors/miner/weka_tree_positive_leaves.txt";
test.skipIf(!hasShared(FACTS))(
  `treeSaysMiner has the leaves of the original${hasShared(FACTS) ? "" : ` (${NO_SHARED})`}`,
  () => {
    const lines = readFileSync(sharedPath(FACTS), "utf8").trim().split("\n").slice(1);
    const names: Record<string, keyof Traits> = {
      ppm: "ppm",
      bpp: "bpp",
      ppf: "ppf",
      ackpushSall: "ack",
      synSall: "syn",
      rstSall: "rst",
      finSall: "fin",
      reqSall: "req",
    };
    const leaves = lines.map((line) =>
      line.split(" & ").map((condition) => {
        const [, low, name = "", sign, limit] = /^(?:(\d+)<)?([A-Za-z]+)(?:(<=|>)(\d+))?$/.exec(
          condition,
        )!;
        return (traits: Traits): boolean => {
          const value = traits[names[name]!];
          if (low !== undefined && value <= Number(low)) return false;
          if (sign === undefined) return true;
          return sign === ">" ? value > Number(limit) : value <= Number(limit);
        };
      }),
    );
    const share = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 84, max: 100 }));
    const traits = fc.record({
      ppm: fc.oneof(fc.integer({ min: -1, max: 13 }), fc.integer({ min: 60, max: 140 })),
      bpp: fc.integer({ min: 38, max: 110 }),
      ppf: fc.oneof(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 225, max: 235 })),
      ack: share,
      syn: share,
      rst: fc.integer({ min: 0, max: 2 }),
      fin: share,
      req: fc.integer({ min: 0, max: 100 }),
    });
    let yes = 0;
    fc.assert(
      fc.property(traits, (each) => {
        const expected = leaves.some((leaf) => leaf.every((holds) => holds(each)));
        if (expected) yes++;
        expect(treeSaysMiner(each)).toBe(expected);
      }),
      { seed: 1, numRuns: 20_000 },
    );
    expect(leaves).toHaveLength(26);
    expect(yes).toBeGreaterThan(1000);
  },
);

describe("StratumProbe", () => {
  const MONERO =
    '{"id":1,"result":{"job":{"blob": "0707","job_id":"q7","target":"b88d"},"status":"OK"}}\n';
  const answers: readonly (readonly [answer: string, verdict: string])[] = [
    [STRATUM, "pool"],
    [MONERO, "pool"],
    ['{"id":1,"jsonrpc":"2.0","result": true}\n', "pool"],
    ['{"id":null,"method":"mining.set_target","params":["00ff"]}\n', "pool"],
    [GREETING, "other"],
    ["", "other"],
    ['"target" "job_id" "blob"', "other"],
    ["x".repeat(10_000), "other"],
  ];

  test("StratumProbe knows a pool by its answer in any dialect, while it blocks", async () => {
    const servers = await fakeServers(answers.map(([answer]) => ({ port: 0, answer })));
    for (const [i, [answer, verdict]] of answers.entries()) {
      const probe = new StratumProbe("127.0.0.1", servers.ports[i]!);
      expect([answer, probe.wait(2000, 2000) as string]).toEqual([answer, verdict]);
    }
    servers.close();
  });

  test("StratumProbe takes a closed port for no pool, and gives up one that says nothing", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    expect(new StratumProbe("127.0.0.1", silent.port).wait(20, 20)).toBe("other");
    silent.stop(true);
    expect(new StratumProbe("127.0.0.1", silent.port).wait(20, 20)).toBe("other");
  });
});
