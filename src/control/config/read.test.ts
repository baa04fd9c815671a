// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { layoutOf } from "../supervise/layout.ts";
import { differences } from "./difference.ts";
import { placeOf, placesOf } from "./locate.ts";
import { productOf } from "./plan.ts";
import { ConfigError, suggestion } from "./problem.ts";
import { parseConfig, readConfig } from "./read.ts";
import { configSchema } from "./schema.ts";
import { configTemplate } from "./template.ts";

const LEAST = '[[sources]]\ninterface = "tap0"\n';

/** What is wrong with a text, a line each. */
async function wrong(text: string): Promise<string[]> {
  try {
    await parseConfig(text, "x.toml");
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n");
  }
}

describe("parseConfig", () => {
  test("parseConfig fills in what is left out: all detectors run, the meter has its defaults", async () => {
    const config = await parseConfig(LEAST, "x.toml");
    expect(config).toMatchObject({
      sources: [{ interface: "tap0", workers: 1, backend: "auto" }],
      meter: { active: 300, idle: 30, linger: 5, brief: 5 },
      plugins: [],
      api: { port: 8080 },
      data: "nemean-data",
    });
    expect(config.modules.map(({ name }) => name)).toContain("vportscan");
    expect(config.modules.every(({ params }) => Object.keys(params).length === 0)).toBe(true);
  });

  test("parseConfig takes settings of modules, and leaves out those that are off", async () => {
    const text = `${LEAST}[modules.vportscan]\nportsMax = 20\n[modules.haddrscan]\nenabled = false\n`;
    const { modules } = await parseConfig(text, "x.toml");
    expect(modules).toContainEqual({
      name: "vportscan",
      kind: "detector",
      own: false,
      inputs: ["flows"],
      outputs: ["alerts"],
      wants: [],
      params: { portsMax: 20 },
    });
    expect(modules.map(({ name }) => name)).not.toContain("haddrscan");
  });

  test("parseConfig takes flows of routers in place of an interface, collected by as many processes as it says", async () => {
    const text = '[collectors.routers]\nlisten = "udp:0.0.0.0:4739"\nworkers = 2\n';
    const config = await parseConfig(text, "x.toml");
    const params = { listen: "udp:0.0.0.0:4739" };
    expect(config.collectors).toEqual([{ name: "routers", workers: 2, params }]);
    expect(productOf(config).sources).toEqual([
      { name: "routers", source: { kind: "collector", name: "routers", params } },
      { name: "routers.2", source: { kind: "collector", name: "routers.2", params } },
    ]);
    const [first, second] = layoutOf(productOf(config));
    expect([first?.name, second?.name]).toEqual(["collector@routers", "collector@routers.2"]);
    const more = await parseConfig(text.replace("= 2", "= 1"), "x.toml");
    expect(differences(config, more)).toEqual(["collectors.routers.workers: 2 -> 1"]);
  });

  test("parseConfig has lists fetched unless it is told otherwise, and says what changes", async () => {
    const before = await parseConfig(LEAST, "x.toml");
    expect(before.lists).toEqual({ update: true, definitions: "" });
    const text = `${LEAST}[lists]\nupdate = false\ndefinitions = "/etc/lists.toml"\n`;
    expect(differences(before, await parseConfig(text, "x.toml"))).toEqual([
      'lists.definitions: "" -> "/etc/lists.toml"',
      "lists.update: true -> false",
    ]);
    expect(await wrong(`${LEAST}[lists]\nupdate = 1\n`)).toEqual([
      expect.stringContaining("lists.update: expected"),
    ]);
  });

  test("parseConfig reads plugins by name", async () => {
    const { plugins } = await parseConfig(`${LEAST}[meter]\nplugins = ["dns", "tls"]\n`, "x.toml");
    expect(plugins).toEqual([["dns", "tls"]]);
  });

  test.each([
    [
      "meter = 1\n[[sources]]\ninterface = 'a'\n",
      "x.toml:1:1: meter: expected a table, as [meter]",
    ],
    [`${LEAST}[metre]\n`, 'x.toml:3:1: the file has no "metre"; did you mean meter?'],
    [`${LEAST}[meter]\nidel = 3\n`, 'x.toml:4:1: [meter] has no "idel"; did you mean idle?'],
    [
      `${LEAST}[meter]\n  idle = "3"\n`,
      'x.toml:4:3: meter.idle: expected seconds from 1 to 2000, got "3"',
    ],
    [
      `${LEAST}[meter]\nidle = 0\n`,
      "x.toml:4:1: meter.idle: expected seconds from 1 to 2000, got 0",
    ],
    [`${LEAST}[meter]\nplugins = ["nix"]\n`, /^x.toml:4:1: meter.plugins: -p: no plugin "nix"/],
    [
      `${LEAST}[modules.vportscam]\n`,
      'x.toml:3:1: [modules] has no "vportscam"; did you mean vportscan?',
    ],
    [
      `${LEAST}[modules.vportscan]\nportsMin = 5\n`,
      /^x.toml:4:1: \[modules.vportscan\] has no "portsMin"; did you mean portsMax\?/,
    ],
    [
      `${LEAST}[api]\nport = 70000\n`,
      "x.toml:4:1: api.port: expected whole number from 0 to 65535, got 70000",
    ],
    [
      "data = 'x'\n",
      'x.toml:1:1: sources: name the interface of the tap: [[sources]] interface = "eth0"',
    ],
    [
      "[collectors.routers]\nworkers = 2\n",
      'x.toml:1:1: collectors.routers: say where flows come from: listen = "udp:0.0.0.0:4739"',
    ],
    [
      '[collectors.routers]\nlisten = "udp"\n',
      /^x.toml:2:\d+: collectors.routers.listen: .*udp:HOST:PORT/,
    ],
    [
      '[collectors.routers]\nworkers = 2\nlisten = "tcp:0.0.0.0:4739"\n',
      "x.toml:2:1: collectors.routers.workers: only udp:HOST:PORT can be shared by 2 processes",
    ],
    [
      `${LEAST}[collectors.tap0]\nlisten = "udp:0.0.0.0:4739"\n`,
      'x.toml:3:1: collectors: "tap0" is an interface of [[sources]]: choose another name',
    ],
    ["[collectors]\n", /^x.toml:1:1: sources: name the interface/],
    [`${LEAST}${LEAST}`, "x.toml:3:1: sources: tap0 is captured from already"],
    [`${LEAST}data = [1,\n`, /^x.toml:\d+:\d+: ./],
    ["a = 1\na = 2\n", /^x.toml:2:\d+: .*redefine/i],
  ])("parseConfig says what is wrong with %p, where, and the cure", async (text, message) => {
    const lines = await wrong(text);
    expect(lines).toHaveLength(1);
    if (typeof message === "string") expect(lines[0]).toBe(message);
    else expect(lines[0]).toMatch(message);
  });

  test("parseConfig shows all that is wrong at once, in the order of the file", async () => {
    const lines = await wrong(`${LEAST}[meter]\nidle = 0\nactive = true\n[api]\nport = "x"\n`);
    expect(lines.map((line) => line.split(":")[1])).toEqual(["4", "5", "7"]);
  });

  test("parseConfig throws nothing but its own errors, whatever the text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (text) => {
        for (const each of [
          text,
          `${LEAST}[meter]\nidle = ${text}`,
          `[[sources]]\ninterface = "${text}"`,
        ])
          await parseConfig(each, "x").catch((error: unknown) =>
            expect(error).toBeInstanceOf(ConfigError),
          );
      }),
      { numRuns: 300 },
    );
  });
});

describe("sinks", () => {
  const sink = (text: string): string => `${LEAST}[sinks.siem]\n${text}\n`;

  test("parseConfig gives a sink its exporter's parameters, with defaults, and which alerts it gets", async () => {
    const text =
      'exporter = "file"\npath = "/var/log/x"\nformat = "eve"\nseverity = 4\nprefixes = ["192.0.2.0/24"]';
    const { sinks } = await parseConfig(sink(text), "x.toml");
    expect(sinks).toMatchObject([
      {
        name: "siem",
        exporter: "file",
        params: { path: "/var/log/x", format: "eve", mode: "0640" },
        route: { severity: 4, prefixes: ["192.0.2.0/24"], categories: [], detectors: [] },
      },
    ]);
  });

  test.each([
    ['exporter = "fiel"', 'x.toml:4:1: sinks.siem: no exporter "fiel"; did you mean file?'],
    ['path = "x"', /^x.toml:3:1: sinks.siem: no exporter ""; there are .*file/],
    [
      'exporter = "file"\nformat = "xml"',
      /^x.toml:5:1: sinks.siem.format: expected json, eve, cef, idea, got "xml"/,
    ],
    [
      'exporter = "file"\nseverity = 11',
      /^x.toml:5:1: sinks.siem.severity: expected whole number from 0 to 10/,
    ],
    [
      'exporter = "file"\nprefixes = ["x/8"]',
      /^x.toml:5:1: sinks.siem: prefixes: expected an address or a prefix/,
    ],
    [
      'exporter = "file"\npaht = "x"',
      /^x.toml:5:1: \[sinks.siem\] has no "paht"; did you mean path\?/,
    ],
  ])("parseConfig says what is wrong with a sink: %p", async (text, message) => {
    const lines = await wrong(sink(text));
    expect(lines).toHaveLength(1);
    if (typeof message === "string") expect(lines[0]).toBe(message);
    else expect(lines[0]).toMatch(message);
  });
});

test("readConfig names the file that cannot be read", async () => {
  await expect(readConfig("/none/x.toml")).rejects.toThrow(/--config \/none\/x.toml: .*ENOENT/);
  const folder = mkdtempSync(join(tmpdir(), "nemean-config-"));
  const path = join(folder, "n.toml");
  writeFileSync(path, LEAST);
  expect((await readConfig(path)).sources[0]!.interface).toBe("tap0");
  rmSync(folder, { recursive: true });
});

test("placesOf finds keys in tables, lists of tables, dotted and quoted, and not in texts", () => {
  const places = placesOf(
    'a.b = 1\n[x."y z"]\n  k = """\nnot = 1\n"""\n[[l]]\nm = 1\n[[l]]\nm = 2\n',
  );
  const at = (...path: string[]) => Object.values(placeOf(places, path)).join(":");
  expect(at("a", "b")).toBe("1:1");
  expect(at("x", "y z", "k")).toBe("3:3");
  expect(at("x", "y z", "none")).toBe("2:1");
  expect(at("not")).toBe("1:1");
  expect([at("l", "0", "m"), at("l", "1", "m")]).toEqual(["7:1", "9:1"]);
});

test("suggestion proposes the nearest name, or lists all", () => {
  expect(suggestion("prot", ["port", "host"])).toBe("; did you mean port?");
  expect(suggestion("zzz", ["port", "host"])).toBe("; there are port, host");
  expect(suggestion("x", [])).toBe("; there are none");
});

test("configTemplate is a configuration with every setting, and nothing but defaults", async () => {
  const text = await configTemplate("tap0");
  const given = await parseConfig(text, "x.toml");
  expect(given).toEqual(await parseConfig(LEAST, "x.toml"));
  expect(text).toContain("# idle = 30  # a flow without packets for this long has ended");
  // Each default is one that its setting takes.
  const all = text.replaceAll(/^# (\w+ = )/gm, "$1");
  expect(
    differences(given, await parseConfig(all, "x.toml")).filter((line) => !SAME.test(line)),
  ).toEqual([]);
});

/** A parameter that is given with its default's value. */
const SAME = /^modules\.[^:]*: default -> /;

test("configSchema has each detector's parameters, with their bounds", async () => {
  const text = JSON.stringify(await configSchema());
  const schema = JSON.parse(text);
  const { modules, meter } = schema.properties;
  expect(modules.properties.vportscan.properties.portsMax).toMatchObject({
    type: "integer",
    minimum: 2,
    maximum: 1024,
  });
  expect(meter.additionalProperties).toBe(false);
});
