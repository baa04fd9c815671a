// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ExporterOptions } from "./exporter-options.ts";
import { FlowDecoder } from "./flow-decoder.ts";
import { NO_HEAD } from "./message-head.ts";
import {
  bytesOf,
  exporterOf,
  type FieldSpec,
  ipfix,
  optionsTemplate,
  set,
} from "./testing/messages.ts";

const A = exporterOf("192.0.2.1");
const headOf = (domain = 0, exporter = A) => ({ ...NO_HEAD, exporter, domain });

/** What was learned of a record of options in a domain. */
function learn(
  options: ExporterOptions,
  fields: readonly FieldSpec[],
  values: readonly (readonly [number, number])[],
  domain = 0,
) {
  const decoder = new FlowDecoder((template, view, span, head) => {
    template.locate(view, span.at, span.end, span.spans);
    options.learn(template, view, span, head);
  });
  decoder.message(
    ipfix([set(3, optionsTemplate(257, 1, fields)), set(257, bytesOf(...values))], { domain }),
    A,
  );
}

test("ExporterOptions keeps intervals by exporter, domain and sampler", () => {
  const options = new ExporterOptions();
  learn(
    options,
    [
      [302, 4],
      [34, 4],
    ],
    [
      [7, 4],
      [100, 4],
    ],
    1,
  );
  expect(options.interval(headOf(1), 7)).toBe(100);
  expect(options.interval(headOf(1), 8)).toBe(1);
  expect(options.interval(headOf(2), 8)).toBe(1);
  expect(options.interval(headOf(1, exporterOf("192.0.2.2")), 7)).toBe(1);
});

test("ExporterOptions takes the exporter's only sampler where a flow names one that it does not know", () => {
  const options = new ExporterOptions();
  learn(
    options,
    [
      [149, 4],
      [34, 4],
    ],
    [
      [0, 4],
      [10, 4],
    ],
  );
  expect(options.interval(headOf(), 3)).toBe(10);
});

test("ExporterOptions takes a sampler of another domain where a flow's own knows none of its number, nor any", () => {
  const options = new ExporterOptions();
  const fields: readonly FieldSpec[] = [
    [48, 4],
    [34, 4],
  ];
  const tell = (domain: number, sampler: number, interval: number) =>
    learn(
      options,
      fields,
      [
        [sampler, 4],
        [interval, 4],
      ],
      domain,
    );
  tell(1, 7, 100);
  expect(options.interval(headOf(2), 7)).toBe(100);
  expect(options.interval(headOf(2), 0)).toBe(1);
  expect(options.interval(headOf(2, exporterOf("192.0.2.2")), 7)).toBe(1);
  tell(2, 0, 20);
  expect(options.interval(headOf(2), 7)).toBe(20);
  tell(2, 7, 30);
  expect([options.interval(headOf(2), 7), options.interval(headOf(1), 7)]).toEqual([30, 100]);
});

test("ExporterOptions knows at once when an exporter says something new", () => {
  const options = new ExporterOptions();
  expect(options.interval({ ...headOf(), samplingInterval: 4 }, 0)).toBe(4);
  for (const interval of [10, 20]) {
    learn(
      options,
      [
        [149, 4],
        [34, 4],
      ],
      [
        [0, 4],
        [interval, 4],
      ],
    );
    expect(options.interval(headOf(), 0)).toBe(interval);
  }
});

test("ExporterOptions keeps when uptime began, and NaN where nobody said", () => {
  const options = new ExporterOptions();
  learn(
    options,
    [
      [149, 4],
      [160, 8],
    ],
    [
      [0, 4],
      [1_767_600_000_000, 8],
    ],
    5,
  );
  expect(options.bootedAt(headOf(5))).toBe(1_767_600_000_000_000);
  expect(options.bootedAt(headOf(6))).toBeNaN();
});
