// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { authorities, pemText } from "./authorities.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-authorities-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (text: string): string => {
  const path = join(folder, "ca.pem");
  writeFileSync(path, text);
  return path;
};

describe("authorities", () => {
  test("gives the certificates of a file", () => {
    const text = rootCertificates.slice(0, 2).join("\n");
    expect(authorities(fileOf(text))).toBe(text);
  });

  test("gives those of the system, never none, without a file", () => {
    const found = authorities("");
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toContain("BEGIN CERTIFICATE");
  });

  test.each([
    ["", "no certificate in it"],
    ["hello", "no certificate in it"],
    ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "Invalid"],
  ])("refuses a file with %j", (text, why) => {
    const path = fileOf(text);
    expect(() => authorities(path)).toThrow(`ca: ${path}: ${why}`);
  });

  test("names a file that is missing", () => {
    expect(() => authorities("/nowhere/ca.pem")).toThrow("ca: ENOENT");
    expect(() => pemText("key", "/nowhere/key.pem")).toThrow("key: ENOENT");
  });
});
