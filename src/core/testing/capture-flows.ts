// SPDX-License-Identifier: BSD-3-Clause
import { readCapture } from "../capture-file/reader.ts";
import { Meter } from "../flow/meter.ts";
import { type AnyReader, plainRecord, reader } from "../unirec/reader.ts";
import type { Template } from "../unirec/template.ts";
import type { Row } from "./run-module.ts";

/** Flows of a capture as the product's own meter tells them to an input, in the order of their ends. */
export function flowsOfCapture(path: string, input: Template): Row[] {
  const meter = new Meter();
  const cursor = reader(input, meter.flows.template) as AnyReader;
  const rows: Row[] = [];
  meter.flows.link({
    receive: (batch) => {
      cursor.reset(batch);
      while (cursor.next()) rows.push(plainRecord(cursor, input));
    },
    advance: () => {},
    end: () => {},
  });
  readCapture(path, meter.frames);
  meter.end();
  return rows.sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));
}
