// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Meter } from "../core/flow/meter.ts";
import { meterTotal } from "./meter-total.ts";

test("meterTotal adds all counts of several meters, those by reason too", () => {
  const empty = new Meter({ flowsMax: 16 }).stats();
  const one = { ...empty, packets: 3, ignored: { ...empty.ignored, nonIp: 1 } };
  const other = { ...empty, packets: 4, ignored: { ...empty.ignored, nonIp: 2 }, live: 5 };
  expect(meterTotal([one, other, empty])).toEqual({
    ...empty,
    packets: 7,
    ignored: { ...empty.ignored, nonIp: 3 },
    live: 5,
  });
});

test("meterTotal of no meter is nothing", () => {
  expect(meterTotal([])).toBeUndefined();
});
