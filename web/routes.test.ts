// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { alertsPath, hashOf, placeOf } from "./routes.ts";

test("placeOf reads page, event and filters", () => {
  expect(placeOf("#/alerts/019b-x")).toMatchObject({ page: "alerts", id: "019b-x" });
  const { page, id, query } = placeOf("#/alerts?ip=2001%3Adb8%3A%3A1&severity=5");
  expect({ page, id, query: Object.fromEntries(query) }).toEqual({
    page: "alerts",
    id: undefined,
    query: { ip: "2001:db8::1", severity: "5" },
  });
});

test.each(["", "#", "#/", "#/nowhere", "#/alerts/a/b", "#/alerts/<b>", "#alerts"])(
  "placeOf shows the overview for %p",
  (hash) => {
    expect(placeOf(hash).page).toBe("overview");
  },
);

test("hashOf writes what placeOf reads, without empty filters", () => {
  const hash = hashOf("alerts", { query: { ip: "::1", detector: "a&b=c", severity: "" } });
  expect(Object.fromEntries(placeOf(hash).query)).toEqual({ ip: "::1", detector: "a&b=c" });
  expect(placeOf(hashOf("alerts", { id: "019b" }))).toMatchObject({ page: "alerts", id: "019b" });
  expect(hashOf("overview")).toBe("#/overview");
});

test("alertsPath passes on known filters only", () => {
  const query = new URLSearchParams("ip= 10.0.0.1 &detector=&limit=9999&cursor=abc&evil=1");
  expect(alertsPath(query)).toBe("/api/v1/alerts?limit=50&ip=10.0.0.1&cursor=abc");
});
