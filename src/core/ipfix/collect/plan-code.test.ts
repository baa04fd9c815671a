// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  property,
  tuple,
  uint8Array,
} from "fast-check";
import { CONVERSION } from "./conversions.ts";
import { NO_HEAD } from "./message-head.ts";
import { compile, type Step } from "./plan-code.ts";
import { exporterOf } from "./testing/messages.ts";
import { Transfer } from "./transfer.ts";

const ROOM = 16;
/** Bytes that the values of a conversion may have. */
const LENGTHS: Readonly<Record<number, readonly number[]>> = {
  [CONVERSION.float]: [4, 8],
  [CONVERSION.double]: [4, 8],
  [CONVERSION.address]: [4, 16],
  [CONVERSION.mac]: [6],
  [CONVERSION.seconds]: [4],
  [CONVERSION.millis]: [8],
  [CONVERSION.ntp]: [8],
  [CONVERSION.uptime]: [4],
  [CONVERSION.before]: [4],
};
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8];

/** A value of a conversion, and whether it goes where the one before went. */
const anyValue = tuple(
  constantFrom(...Object.values(CONVERSION)),
  integer({ min: 0, max: 7 }),
  boolean(),
).map(([kind, pick, isSecond]) => {
  const lengths = LENGTHS[kind] ?? NUMBERS;
  return { kind, length: lengths[pick % lengths.length]!, isSecond };
});

test("compile makes of a plan's steps code that does what they do one by one", () => {
  assert(
    property(
      array(anyValue, { maxLength: 12 }),
      uint8Array({ minLength: 200, maxLength: 200 }),
      boolean(),
      boolean(),
      (values, content, isFixed, isEmpty) => {
        const bytes = isEmpty ? new Uint8Array(200) : content;
        const steps: Step[] = [];
        const spans: number[] = [];
        let at = 3;
        let target = 0;
        let before = -1;
        for (const [i, { kind, length, isSecond }] of values.entries()) {
          // A second element is of the same field, and so of the same conversion.
          const follows = isSecond && before === kind;
          if (!follows && i > 0) target += ROOM;
          steps.push({ kind, source: isFixed ? at - 3 : i, length, target, isSecond: follows });
          spans.push(at, length);
          at += length;
          before = kind;
        }
        const run = (act: (transfer: Transfer) => void): string => {
          const transfer = new Transfer();
          transfer.view = new DataView(bytes.buffer, bytes.byteOffset);
          transfer.at = 3;
          transfer.spans = Int32Array.from(spans);
          transfer.head = {
            ...NO_HEAD,
            sentAt: 1.7e15,
            bootedAt: 1.69e15,
            exporter: exporterOf("::1"),
          };
          transfer.to = new DataView(new ArrayBuffer(ROOM * 13));
          act(transfer);
          return Buffer.from(transfer.to.buffer as ArrayBuffer).toString("hex");
        };
        const stepwise = run((transfer) => {
          for (const { kind, source, length, target: p } of steps)
            transfer.store(kind, isFixed ? 3 + source : spans[2 * source]!, length, p);
        });
        expect(run(compile(steps, isFixed))).toBe(stepwise);
      },
    ),
    { numRuns: 1000 },
  );
});
