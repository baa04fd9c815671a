// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { TestAuth } from "../auth/testing/auth.ts";
import { openApi } from "./openapi.ts";
import { SCHEMAS } from "./schemas.ts";
import { everything, TestApi } from "./testing/fixtures.ts";

type Json = { readonly [key: string]: Json };

/** Every value of a key, wherever it is. */
function* valuesOf(key: string, value: unknown): Generator<unknown> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key) yield inner;
    yield* valuesOf(key, inner);
  }
}

test("/openapi.json describes every route by OpenAPI 3.1, and nothing else", async () => {
  using api = new TestApi();
  const document = await api.json("/openapi.json");
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: "Nemean", version: "0.1.0" });
  const described = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const routes = api.app.routes.map(
    ({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, "{$1}")}`,
  );
  expect(described.sort()).toEqual(routes.sort());
});

test("/openapi.json has unique operation ids, declared path parameters and references that lead somewhere", async () => {
  using api = new TestApi();
  const document = await api.json("/openapi.json");
  const ids = [...valuesOf("operationId", document.paths)];
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toHaveLength(Object.keys(document.paths).length);
  for (const [path, { get }] of Object.entries<Json>(document.paths)) {
    const parameters = get!["parameters"] as unknown as { name: string; in: string }[];
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
    for (const response of Object.values(get!["responses"]!)) {
      expect(response["description"]).toBeString();
    }
  }
  for (const reference of valuesOf("$ref", document))
    expect(SCHEMAS).toHaveProperty(String(reference).replace("#/components/schemas/", ""));
});

test("/openapi.json is as its clients know it", async () => {
  using accounts = new TestAuth();
  const { options, close } = everything(accounts.folder.path);
  using api = new TestApi([], { auth: accounts.auth, ...options });
  const { paths } = await api.json("/openapi.json");
  expect(paths).toMatchSnapshot();
  await close();
});

test("openApi refuses a route that nobody described", () => {
  expect(() => openApi("0", [{ method: "GET", path: "/new" }], {})).toThrow(
    "no operation for GET /new",
  );
});
