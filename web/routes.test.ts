// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { Access } from "./access.ts";
import { alertsPath, hashOf, pagesFor, placeOf } from "./routes.ts";

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

test("placeOf knows the page of modules by its name of today", () => {
  expect(placeOf("#/modules").page).toBe("pipeline");
  expect(placeOf("#/constructor").page).toBe("overview");
  expect(placeOf("#/pipeline?process=capture%40eth0").query.get("process")).toBe("capture@eth0");
});

test("pagesFor names the pages that one may see, and that there are", () => {
  const as = (role: "viewer" | "operator" | "admin"): Access => ({
    kind: "session",
    session: { name: "ann", role, csrf: "x" },
  });
  const paths = new Set(["/api/v1/config"]);
  const all = ["overview", "alerts", "pipeline"] as const;
  expect(pagesFor(as("viewer"), paths)).toEqual([...all]);
  expect(pagesFor(as("operator"), new Set())).toEqual([...all, "sinks"]);
  expect(pagesFor(as("operator"), paths)).toEqual([...all, "sinks", "configuration"]);
  expect(pagesFor(as("admin"), paths).slice(-3)).toEqual(["configuration", "users", "audit"]);
  expect(pagesFor({ kind: "stranger" }, paths)).toEqual(["login"]);
  expect(pagesFor({ kind: "setup" }, paths)).toEqual([...all, "setup"]);
  expect(pagesFor({ kind: "open" }, new Set())).toEqual([...all]);
});
