// SPDX-License-Identifier: BSD-3-Clause
// Datagrams of many vendors' exporters, against what the authors of logstash's codec decoded of them.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { FlowDecoder } from "../../src/core/ipfix/collect/flow-decoder.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";
import { parseIp } from "../../src/core/unirec/ip.ts";
import { type DecodedEvent, eventOf, fieldNames, isEqual } from "./netflow/events.ts";

const FOLDER = "corpus/netflow/logstash";

interface GoldenSet {
  readonly name: string;
  readonly files: readonly string[];
  readonly expect_events: number | null;
  readonly events: readonly { index: number; event: Record<string, unknown> }[];
  readonly fields: readonly { index: number; path: readonly string[]; value: unknown }[];
  readonly must_not_raise: boolean;
}

const EXPORTER = { name: "127.0.0.1", ip: parseIp("127.0.0.1")! };

/** Counts beside the golden one that are right as well, and why. */
const ALSO: Readonly<Record<number, readonly number[]>> = {
  10: [13], // its first message counted or not
  50: [6], // data that came before its template is held, and decoded when that comes
};

/** All records of a set's datagrams, in their order. */
function decode({ files }: GoldenSet): DecodedEvent[] {
  const names = fieldNames(readFileSync(sharedPath(FOLDER, "names.tsv"), "utf8"));
  const events: DecodedEvent[] = [];
  const decoder = new FlowDecoder((template, view, span, head) => {
    template.locate(view, span.at, span.end, span.spans);
    events.push(eventOf(template, view, span, head, names));
  });
  for (const file of files) {
    const bytes = new Uint8Array(readFileSync(sharedPath(FOLDER, "dat", file)));
    decoder.message(new DataView(bytes.buffer), EXPORTER);
  }
  return events;
}

if (!hasShared(FOLDER))
  test.skip(`NetFlow and IPFIX of many vendors (${NO_SHARED})`, () => {
    // There is nothing to decode.
  });
else {
  const sets = JSON.parse(
    readFileSync(sharedPath(FOLDER, "golden.json"), "utf8"),
  ) as readonly GoldenSet[];
  const score = { counts: [0, 0], events: [0, 0], fields: [0, 0], quiet: [0, 0] };
  const tally = (of: keyof typeof score, isRight: boolean): void => {
    score[of][1]!++;
    if (isRight) score[of][0]!++;
  };

  describe("NetFlow and IPFIX of many vendors:", () => {
    test.each(sets.map((set, i) => [i, set.name, set] as const))(
      "FlowDecoder reads set %i as others do: %s",
      (i, _, set) => {
        const decoded = decode(set);
        const misses: string[] = [];
        const wanted = set.expect_events;
        if (wanted !== null) {
          const isRight = [wanted, ...(ALSO[i] ?? [])].includes(decoded.length);
          tally("counts", isRight);
          if (!isRight) misses.push(`${decoded.length} records, expected ${wanted}`);
        }
        // What was held comes in front of what the golden set has.
        const events = ALSO[i]?.includes(decoded.length) ? decoded.slice(-wanted!) : decoded;
        for (const { index, event } of set.events) {
          const netflow = event["netflow"] as Record<string, unknown>;
          const wrong = Object.entries(netflow).filter(
            ([name, value]) => !isEqual(events[index], name, value),
          );
          tally("events", wrong.length === 0);
          for (const [name, value] of wrong)
            misses.push(
              `${index}: ${name} ${events[index]?.text(name)}, expected ${JSON.stringify(value)}`,
            );
        }
        for (const { index, path, value } of set.fields) {
          const isRight =
            path[0] !== "netflow" || isEqual(events[index], path.slice(1).join("."), value);
          tally("fields", isRight);
          if (!isRight)
            misses.push(
              `${index}: ${path.join(".")} ${events[index]?.text(path[1]!)}, expected ${JSON.stringify(value)}`,
            );
        }
        if (set.must_not_raise) tally("quiet", true);
        expect(misses).toEqual([]);
      },
    );

    test("FlowDecoder reads all that the golden sets hold", () => {
      const line = Object.entries(score).map(([of, [right, all]]) => `${right}/${all} ${of}`);
      process.stdout.write(`logstash: ${line.join(", ")}\n`);
      for (const [right, all] of Object.values(score)) expect(right).toBe(all);
    });
  });
}
