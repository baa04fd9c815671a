// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NemeanError } from "../errors.ts";
import { parseInput, parseInterfaces, parseOutput } from "./specifier.ts";

describe("parseInput", () => {
  test.each([
    ["u:flows", { type: "u", name: "flows", containerMax: 16 << 20 }],
    ["t:9000", { type: "t", host: "localhost", port: "9000", tls: undefined }],
    ["t:collector:9000", { type: "t", host: "collector", port: "9000" }],
    ["t:[2001:db8::1]:9000", { type: "t", host: "2001:db8::1", port: "9000" }],
    ["t:host:ipfix", { type: "t", host: "host", port: "ipfix" }],
    [
      "T:9000:k.pem:c.pem:ca.pem",
      { type: "T", host: "localhost", tls: { key: "k.pem", cert: "c.pem", ca: "ca.pem" } },
    ],
    ["T:h:9000:k:c:ca:timeout=5", { type: "T", host: "h", port: "9000", timeout: 5 }],
    ["f:/data/*.trap", { type: "f", pattern: "/data/*.trap" }],
    ["f:/data/a=b", { type: "f", pattern: "/data/a=b" }],
    [
      "u:x:container_max=200000:timeout=WAIT",
      { type: "u", name: "x", containerMax: 200_000, timeout: "WAIT" },
    ],
    ["g:5:a:b=c", { type: "g", message: "a:b=c" }],
    ["g:2:č", { type: "g", message: "č" }],
  ])("parseInput reads %s", (text, expected) => {
    expect(parseInput(text)).toMatchObject({ text, ...expected } as never);
  });

  test.each([
    ["", 'no input of type ""; there are u, t, T, f, g'],
    ["b:", 'no input of type "b"'],
    ["u:", "a name is missing"],
    ["u:a/b", "a name is missing"],
    ["u:a:b", 'unexpected "b"'],
    ["t:", 'port ""'],
    ["t:65536", 'port "65536": expected 1 to 65535'],
    ["t:a:b:9", 'unexpected "a"'],
    ["T:9:k:c", "port"],
    ["f:", "a path is missing"],
    ["g:3:ab", "expected g:N:TEXT with N the bytes of TEXT"],
    ["u:a:timeout=HALF_WAIT", "timeout=HALF_WAIT: expected WAIT, NO_WAIT or microseconds"],
    ["u:a:timeout=", "timeout=: expected a value"],
    ["u:a:timeout=1:timeout=2", "timeout is given twice"],
    ["u:a:max_clients=3", "no parameter max_clients"],
    ["u:a:container_max=9", "container_max=9: expected a whole number from 100000 to 1073741824"],
    ["u:a:constructor=1", "no parameter constructor"],
  ])("parseInput refuses %p", (text, why) => {
    expect(() => parseInput(text)).toThrow(`interface "${text}": `);
    expect(() => parseInput(text)).toThrow(why);
  });
});

describe("parseOutput", () => {
  const common = { timeout: undefined, buffer: true, autoflush: 2_000_000 };
  const socket = { ...common, maxClients: 64, bufferCount: 50, bufferSize: 100_000 };
  test.each([
    ["u:flows", { ...socket, type: "u", name: "flows", mode: 0o660, group: undefined }],
    ["u:a:mode=0600:group=nemea", { type: "u", mode: 0o600, group: "nemea" }],
    ["t:9000", { ...socket, type: "t", host: undefined, port: "9000" }],
    [
      "t:127.0.0.1:9000:max_clients=1:buffer_count=2:buffer_size=3000",
      { host: "127.0.0.1", maxClients: 1, bufferCount: 2, bufferSize: 3000 },
    ],
    [
      "u:a:timeout=HALF_WAIT:buffer=off:autoflush=off",
      { timeout: "HALF_WAIT", buffer: false, autoflush: Number.POSITIVE_INFINITY },
    ],
    ["u:a:timeout=0:autoflush=5", { timeout: "NO_WAIT", autoflush: 5 }],
    [
      "f:/d/%Y/x:a:time=5:size=10",
      { type: "f", path: "/d/%Y/x", append: true, minutes: 5, megabytes: 10 },
    ],
    ["f:a", { type: "f", path: "a", append: false, minutes: undefined }],
    ["f:/x:w", { path: "/x", append: false }],
    ["b:", { ...common, type: "b" }],
    ["b", { type: "b" }],
  ])("parseOutput reads %s", (text, expected) => {
    expect(parseOutput(text)).toMatchObject({ text, ...expected } as never);
  });

  test.each([
    ["g:1:a", "no output of type"],
    ["b:x", 'unexpected "x"'],
    ["u:a:buffer_size=100001", "buffer_size=100001: expected a whole number from 64 to 100000"],
    ["u:a:buffer=yes", "buffer=yes: expected on or off"],
    ["u:a:autoflush=0", "autoflush=0: expected off or microseconds"],
    ["u:a:mode=0888", "mode=0888: expected three octal digits"],
    ["t:9:mode=0600", "no parameter mode"],
    ["f:/x:time=0", "time=0: expected a whole number from 1"],
    ["f:/x:max_clients=2", "no parameter max_clients"],
    ["u:a:timout=WAIT", "no parameter timout"],
    ["u:a:max_clients=-1", "max_clients=-1"],
  ])("parseOutput refuses %p", (text, why) => {
    expect(() => parseOutput(text)).toThrow(why);
  });
});

describe("parseInterfaces", () => {
  test("parseInterfaces takes inputs first, then outputs", () => {
    const { inputs, outputs } = parseInterfaces("u:a,t:[::1]:9,b:", 2, 1);
    expect(inputs.map(({ text }) => text)).toEqual(["u:a", "t:[::1]:9"]);
    expect(outputs.map(({ type }) => type)).toEqual(["b"]);
  });

  test("parseInterfaces says how many there should be", () => {
    expect(() => parseInterfaces("u:a", 1, 2)).toThrow(
      '-i "u:a": 1 interfaces, expected 1 input and 2 outputs, divided by commas',
    );
    expect(() => parseInterfaces("", 1, 0)).toThrow("0 interfaces, expected 1 input");
  });

  test("parseInterfaces throws nothing but an operator's error, whatever it is given", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[utTfgb]?[:a-z0-9=_.,[\]%/-]{0,30}$/), (text) => {
        for (const parse of [parseInput, parseOutput]) {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(NemeanError);
          }
        }
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});
