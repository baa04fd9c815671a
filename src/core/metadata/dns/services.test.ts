// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { addStrings, Services } from "./services.ts";

test("Services lists each name once, in the order in which it came", () => {
  const services = new Services();
  expect(services.isEmpty).toBeTrue();
  for (const name of ["b", "a", "b"]) services.ask(name);
  expect(services.queries).toBe("b;a;");
  services.of("printer")!.port = 631;
  services.of("host")!.host = "ARM:LINUX";
  services.of("printer")!.target = "host";
  expect(services.responses).toBe("printer;631;host;;;host;-1;;ARM:LINUX;;");
  services.clear();
  expect([services.isEmpty, services.queries, services.responses]).toEqual([true, "", ""]);
});

test("Services keeps a bounded number of names, and whole ones in a bounded list", () => {
  const services = new Services();
  for (let i = 0; i < 100; i++) {
    services.ask(`${i}`.padStart(1000, "x"));
    services.of(`${i}`);
  }
  expect(services.of("new")).toBeUndefined();
  expect(services.of("63")).toBeDefined();
  expect(services.queries).toHaveLength(16 * 1001);
  expect(services.responses.split(";")).toHaveLength(64 * 5 + 1);
});

test("addStrings adds what is new, as long as there is room", () => {
  const service = new Services().of("a")!;
  for (const text of ["k=1:", "", "k=2:", "k=1:"]) addStrings(service, text);
  expect(service.strings).toBe("k=1:k=2:");
  addStrings(service, "x".repeat(1017));
  expect(service.strings).toHaveLength(8);
});
