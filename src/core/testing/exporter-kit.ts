// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { AnyExporter } from "../exporter.ts";
import { complaints } from "./declaration-kit.ts";

/** What the declaration of every exporter has to be, as tests. */
export function testExporter({ name, about, details = "", params }: AnyExporter): void {
  test(`${name} is named in kebab case and says what it is for in one sentence`, () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(about).toMatch(/^[A-Z][^\n]*\.$/);
    expect(details).toMatch(/^\*\*For\*\*/m);
  });

  test(`${name} explains each parameter it declares, with a default within its bounds`, () => {
    for (const [key, spec] of Object.entries(params)) expect(complaints(key, spec)).toEqual([]);
  });
}
