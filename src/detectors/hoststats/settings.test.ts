// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { DEFAULTS, parseSettings, readSettings } from "./settings.ts";

const parse = (text: string) => {
  const warnings: string[] = [];
  const settings = parseSettings(text, DEFAULTS, (message) => warnings.push(message));
  return { settings, warnings };
};

describe("parseSettings", () => {
  test("parseSettings takes what is said and leaves the rest", () => {
    const { settings, warnings } = parse(
      "# comment = 1\n\nrules-ssh = 0\nrules-dns=enabled\n  syn-scan-threshold\t=  77 \r\ndos-victim-responsibility = 0.5\n",
    );
    expect(settings).toEqual({ ...DEFAULTS, ssh: 0, scanSyns: 77, victimAnswers: 0.5 });
    expect(warnings).toEqual([]);
  });

  test("parseSettings warns of what it cannot use, with the line, and goes on", () => {
    const { settings, warnings } = parse(
      "syn-scan-threshold = many\ntimeout-active = 0\nno-such-key = 1\ndns-amplif-threshold =\nbruteforce-ips = 6",
    );
    expect(settings).toEqual({ ...DEFAULTS, sshAddresses: 6 });
    expect(warnings).toEqual([
      'line 1: syn-scan-threshold cannot be "many", taking 200',
      'line 2: timeout-active cannot be "0", taking 300',
      'line 3: "no-such-key" is no setting',
      'line 4: dns-amplif-threshold cannot be "", taking 10000',
    ]);
  });

  test("parseSettings takes no key from what all objects have", () => {
    expect(parse("constructor = 1\n__proto__ = 2").warnings).toHaveLength(2);
  });

  test("parseSettings makes the table a power of two that it can have", () => {
    expect(parse("table-size = 100000").settings.hosts).toBe(131_072);
    expect(parse("table-size = 1000").settings.hosts).toBe(DEFAULTS.hosts);
    expect(parse("table-size = 99999999999").settings.hosts).toBe(1 << 22);
  });

  test.skipIf(!hasShared("golden/detectors/hoststats"))(
    `parseSettings reads the original's own file without a warning${hasShared("golden/detectors/hoststats") ? "" : ` (${NO_SHARED})`}`,
    () => {
      const text = readFileSync(sharedPath("golden/detectors/hoststats", "default.conf"), "utf8");
      expect(parse(text)).toEqual({ settings: { ...DEFAULTS, hosts: 65_536 }, warnings: [] });
    },
  );
});

test("readSettings says which file it cannot read", () => {
  expect(() => readSettings("no/such.conf", DEFAULTS, () => {})).toThrow(
    expect.objectContaining({
      code: "ERR_INPUT",
      message: expect.stringContaining("no/such.conf"),
    }),
  );
});
