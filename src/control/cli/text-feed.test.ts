// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { defineModule } from "../../core/module.ts";
import { ModuleRunner } from "../../core/runner.ts";
import { uniflow } from "../../core/unirec/template.ts";
import { SECOND, timeText } from "../../core/unirec/time.ts";
import { Folder } from "./testing/command-line.ts";
import { TextFeed, type TextFeedOptions } from "./text-feed.ts";

const folder = new Folder();
afterAll(() => folder.remove());
let files = 0;

/** Lines of flows with these ports. */
const lined = (...ports: (number | string)[]): string => ports.map((port) => `${port}\n`).join("");

/** What a module that asks to end at port 9 sees of a text: ports, and seconds of event time between them. */
function fed(text: string, options: Partial<TextFeedOptions> = {}) {
  const seen: string[] = [];
  const warned: string[] = [];
  const witness = defineModule({
    name: "witness",
    about: "Writes down what comes.",
    params: {},
    inputs: { flows: uniflow("uint16 DST_PORT, ?string NOTE") },
    outputs: {},
    setup: ({ stop }) => ({
      flows(flow) {
        while (flow.next()) {
          seen.push(`${flow.DST_PORT}${flow.NOTE}`);
          if (flow.DST_PORT === 9) stop();
        }
      },
      everySecond: (now) => seen.push(`@${now / SECOND}`),
      end: () => seen.push("end"),
    }),
  });
  const path = folder.file(`${files++}.csv`, text);
  const { flows } = new ModuleRunner(witness).inputs;
  const feed = new TextFeed(path, flows!, { warn: (message) => warned.push(message), ...options });
  feed.run();
  return { seen, warned, skipped: feed.skipped, path };
}

describe("TextFeed", () => {
  test.each([
    ["ends of lines as others have them", "uint16 DST_PORT\r\n80\r\n\r\n443\r\n"],
    ["no end of its last line", "uint16 DST_PORT\n80\n443"],
    ["blank lines before its header", "\n\r\nuint16 DST_PORT\n80\n443\n"],
    ["a mark of its byte order", "\ufeffuint16 DST_PORT\n80\n443\n"],
  ])("TextFeed takes a file with %s", (_, text) => {
    expect(fed(text)).toMatchObject({ seen: ["80", "443", "end"], warned: [] });
  });

  test("TextFeed keeps characters that lie across its reads", () => {
    const notes = Array.from({ length: 40_000 }, (_, i) => `č${i}€`);
    const { seen, warned } = fed(
      `string NOTE,uint16 DST_PORT\n${notes.map((note) => `"${note}",1\n`).join("")}`,
    );
    expect(seen).toEqual([...notes.map((note) => `1${note}`), "end"]);
    expect(warned).toEqual([]);
  });

  test("TextFeed has event time follow TIME_LAST, as late as it is told", () => {
    const at = (second: number): string => `${timeText(second * SECOND)},`;
    const lines = [100, 100.5, 101, 99, 140].map((second, i) => `${at(second)}${i + 1}`);
    const text = `time TIME_LAST,uint16 DST_PORT\n${lined(...lines)}`;
    expect(fed(text).seen).toEqual(["1", "@70", "2", "3", "@71", "4", "5", "@110", "end"]);
    const { seen } = fed(text, { lateness: 2 * SECOND });
    expect(seen).toEqual(["1", "@98", "2", "3", "@99", "4", "5", "@138", "end"]);
  });

  test("TextFeed splits biflows for a module of uniflows", () => {
    const { seen } = fed(
      "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,uint64 BYTES_REV,time TIME_FIRST,time TIME_LAST,uint32 PACKETS,uint32 PACKETS_REV,uint16 DST_PORT,uint16 SRC_PORT,uint8 PROTOCOL,uint8 TCP_FLAGS,uint8 TCP_FLAGS_REV\n" +
        "10.0.0.1,10.0.0.2,1,1,2024-01-01T00:00:00,2024-01-01T00:00:01,1,1,80,4000,6,2,2\n",
    );
    expect(seen.filter((what) => !what.startsWith("@"))).toEqual(["80", "4000", "end"]);
  });

  test("TextFeed skips, names and counts lines that are no records", () => {
    const { seen, warned, skipped, path } = fed(
      `uint16 DST_PORT,bytes B,string NOTE\n1,,a\nx,,\n2,${"ab".repeat(40_000)},${"y".repeat(30_000)}\n3\n4,,b\n`,
    );
    expect(seen).toEqual(["1a", "4b", "end"]);
    expect(skipped).toBe(3);
    expect(warned).toEqual([
      `${path}: line 3: invalid field "DST_PORT": "x"; skipped`,
      expect.stringMatching(/: line 4: .*; skipped$/),
      `${path}: line 5: 1 columns, the header has 3; skipped`,
    ]);
  });

  test("TextFeed goes on behind a line without end", () => {
    const { seen, skipped } = fed(`uint16 DST_PORT\n${"9".repeat(3_000_000)}\n80\n`);
    expect(seen).toEqual(["80", "end"]);
    expect(skipped).toBe(3);
  });

  test("TextFeed ends when the module asks for it", () => {
    const { seen } = fed(`uint16 DST_PORT\n${lined(9)}${lined(1).repeat(200_000)}`);
    expect(seen.at(-1)).toBe("end");
    expect(seen.length).toBeWithin(2, 150_000);
  });
});
