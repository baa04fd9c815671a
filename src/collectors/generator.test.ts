// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { GeneratorSource } from "./generator.ts";

test("GeneratorSource hands on all frames of its traffic, and tells what is hidden in it", () => {
  using source = new GeneratorSource({ seed: 3, seconds: 20, hosts: 8 });
  let frames = 0;
  const count = (batch: { count: number }): void => {
    frames += batch.count;
  };
  while (source.step(count));
  expect(frames).toBeGreaterThan(1000);
  expect(source.truth.attacks.length).toBeGreaterThan(0);
});
