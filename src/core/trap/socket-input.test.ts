// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { Batch } from "../batch.ts";
import { hasShared, NO_SHARED, sharedPath } from "../testing/shared.ts";
import type { Template } from "../unirec/template.ts";
import { parseTemplate } from "../unirec/template.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { encodeHello } from "./hello.ts";
import { SocketInput, type SocketInputSpec } from "./socket-input.ts";
import { parseInput } from "./specifier.ts";
import { container, Kept, Loop, RawSender } from "./testing/wire.ts";

let loop: Loop;
beforeEach(() => {
  loop = new Loop();
});
afterEach(() => loop[Symbol.dispose]());

const LAYOUT = parseTemplate("uint32 A,string S");
const OTHER = parseTemplate("uint64 B");
const END = Uint8Array.of(0);

function record(layout: Template, values: Record<string, unknown>): Uint8Array {
  const writer = new RecordWriter(layout);
  writer.begin().setAll(values);
  const batch = new Batch();
  writer.end(batch);
  return batch.bytes.slice(batch.start + 2, batch.start + batch.length);
}
const row = (A: number, S = ""): Uint8Array => record(LAYOUT, { A, S });

function open(name: string, kept: Kept, extra = ""): SocketInput {
  return new SocketInput(parseInput(`u:${name}${extra}`) as SocketInputSpec, kept, loop.env);
}

/** Play sessions to an input until it ended, or stands still. */
function play(
  sessions: readonly (readonly Uint8Array[])[],
  done: (kept: Kept, input: SocketInput) => boolean = (_, input) => input.ended,
  extra = "",
): { kept: Kept; input: SocketInput; sender: RawSender } {
  const kept = new Kept();
  const sender = new RawSender(loop, "x", sessions);
  const input = open("x", kept, extra);
  loop.until(() => done(kept, input) || input.failure !== undefined);
  sender.close();
  return { kept, input, sender };
}

const hello = encodeHello(LAYOUT);

test("SocketInput delivers records, then the end, once", () => {
  const { kept, input } = play([
    [hello, container([row(1, "a"), row(2, "b")]), container([END], 2)],
  ]);
  expect(kept.rows).toEqual([
    { A: 1, S: "a" },
    { A: 2, S: "b" },
  ]);
  expect(kept.ends).toBe(1);
  expect(input.stats).toMatchObject({ messages: 2, buffers: 2, missed: 0, malformed: 0 });
});

test("SocketInput sees the end in the middle of a container, and as a message of no bytes", () => {
  const { kept } = play([[hello, container([row(1), new Uint8Array(0), row(2)])]]);
  expect([kept.rows.length, kept.ends]).toEqual([1, 1]);
});

test("SocketInput gives the same records for any cut into segments", () => {
  const session = Buffer.concat([
    hello,
    container([row(1, "a"), row(2, "bb")]),
    container([row(3, "x".repeat(5000))], 2),
    container([row(4), END], 3),
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(session.length), { maxLength: 12 }), (cuts) => {
      const borders = [0, ...cuts.toSorted((a, b) => a - b), session.length];
      const pieces = borders.slice(1).map((to, i) => session.subarray(borders[i], to));
      const { kept } = play([pieces]);
      expect(kept.rows.map(({ A }) => A)).toEqual([1, 2, 3, 4]);
      expect(kept.rows[2]).toEqual({ A: 3, S: "x".repeat(5000) });
    }),
    { numRuns: 60, seed: 7 },
  );
});

test("SocketInput takes a session byte by byte", () => {
  const session = Buffer.concat([hello, container([row(1, "a"), END])]);
  const { kept } = play([Array.from(session, (byte) => Uint8Array.of(byte))]);
  expect(kept.rows).toEqual([{ A: 1, S: "a" }]);
});

test("SocketInput comes back at once to a sender that closed, and tells of a new layout", () => {
  const b = record(OTHER, { B: 9n });
  const { kept, input } = play([
    [hello, container([row(1)])],
    [hello, container([row(2)])],
    [encodeHello(OTHER), container([b, END])],
  ]);
  expect(kept.layouts.map(({ spec }) => spec)).toEqual([LAYOUT.spec, OTHER.spec]);
  expect(kept.rows).toEqual([{ A: 1, S: "" }, { A: 2, S: "" }, { B: 9 }]);
  expect(input.stats.reconnects).toBe(2);
});

test("SocketInput waits for a sender that is not there yet, saying so once", () => {
  const kept = new Kept();
  const input = open("late", kept);
  loop.rest(50);
  expect(input.stats.connected).toBe(false);
  const sender = new RawSender(loop, "late", [[hello, container([row(5), END])]]);
  loop.until(() => input.ended);
  expect(kept.rows).toEqual([{ A: 5, S: "" }]);
  expect(loop.said.filter(({ level }) => level === "notice")).toHaveLength(1);
  sender.close();
});

test("SocketInput asks again later when the sender does not know its format", () => {
  const { kept, sender } = play([[new Uint8Array(8)], [hello, container([row(1), END])]]);
  expect(kept.rows).toHaveLength(1);
  expect(sender.connections).toBe(2);
});

test("SocketInput counts what the sender's numbers say it missed", () => {
  const { input } = play([
    [hello, container([row(1)], 10), container([row(2)], 110), container([END], 111)],
  ]);
  expect(input.stats.missed).toBe(99);
});

test("SocketInput counts nothing missed for numbers that lag behind, as the original's without buffer", () => {
  const { input } = play([
    [
      hello,
      ...[0, 0, 1, 2].map((sequence) => container([row(sequence)], sequence)),
      container([END], 3),
    ],
  ]);
  expect(input.stats.missed).toBe(0);
});

test("SocketInput fails with the names of the fields it lacks", () => {
  const kept = new Kept();
  kept.announce = () => {
    throw new Error("requires uint16 DST_PORT; the sender offers uint32 A,string S");
  };
  const sender = new RawSender(loop, "x", [[hello]], true);
  const input = open("x", kept);
  loop.until(() => input.failure !== undefined);
  expect(input.failure!.message).toContain("u:x (");
  expect(input.failure!.message).toContain("requires uint16 DST_PORT");
  sender.close();
});

describe("what the original dies of (trap.md, table 9)", () => {
  const big = (bytes: number): Uint8Array =>
    container([row(1, "x".repeat(bytes / 4)), ...fill(bytes)]);
  const fill = (bytes: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes / 1000) }, () => row(2, "y".repeat(990)));

  test("SocketInput reads a container of more than 100,000 bytes whole", () => {
    const { kept, input } = play([[hello, big(120_000), container([END])]]);
    expect(kept.messages).toHaveLength(121);
    expect(input.stats.malformed).toBe(0);
  });

  test("SocketInput refuses a container above its bound, names the peer, counts, and tries again", () => {
    const session = [hello, big(240_000)];
    const { kept, input } = play(
      [session, [hello, container([row(7), END])]],
      (_, { ended }) => ended,
      ":container_max=150000",
    );
    expect(kept.rows).toEqual([{ A: 7, S: "" }]);
    expect(input.stats.malformed).toBe(1);
    expect(loop.said.map(({ message }) => message).join()).toContain("the most is 150000");
  });

  test("SocketInput takes no byte of a message that reaches beyond its container", () => {
    const bad = Buffer.from(container([row(1), row(2)]));
    bad.writeUInt16BE(60_000, 14 + 2 + row(1).length);
    const { kept, input } = play([[hello, bad, container([row(3), END], 2)]]);
    expect(kept.rows.map(({ A }) => A)).toEqual([1, 3]);
    expect(input.stats.malformed).toBe(1);
    expect(loop.warnings).toHaveLength(1);
    expect(loop.warnings[0]).toContain(loop.path("x"));
  });

  test.each([
    ["a string that begins beyond the record", 65_535, 4],
    ["a string that ends beyond the record", 0, 65_535],
    ["both", 65_535, 65_535],
  ])("SocketInput reads %s as empty", (_, offset, length) => {
    const message = Buffer.from(row(1, "abc"));
    message.writeUInt16LE(offset, 4);
    message.writeUInt16LE(length, 6);
    const { kept } = play([[hello, container([message, row(2, "d"), END])]]);
    expect(kept.rows).toEqual([
      { A: 1, S: "" },
      { A: 2, S: "d" },
    ]);
    expect(kept.misfits).toBe(1);
  });

  test("SocketInput takes a hello that comes late and in parts", () => {
    const { kept } = play([
      [
        hello.subarray(0, 3),
        new Uint8Array(0),
        hello.subarray(3, 9),
        hello.subarray(9),
        container([row(1), END]),
      ],
    ]);
    expect(kept.rows).toHaveLength(1);
  });

  test.each([
    ["an unknown format", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0)],
    ["a specifier of 4 GiB", Uint8Array.of(2, 0, 0, 0, 255, 255, 255, 255)],
    ["records without a specifier", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0)],
    ["a specifier that is none", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 2, 33, 33)],
    ["a specifier that is no UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 2, 255, 255)],
  ])("SocketInput refuses %s and tries again", (_, bad) => {
    const { kept, input } = play([[bad], [hello, container([row(1), END])]]);
    expect([kept.rows.length, input.stats.malformed]).toEqual([1, 1]);
  });

  test("SocketInput survives records of the old layout under a new hello", () => {
    const { kept } = play([
      [encodeHello(OTHER), container([Uint8Array.of(1, 2, 3), record(OTHER, { B: 5n }), END])],
    ]);
    expect(kept.rows).toEqual([{ B: 5 }]);
    expect(kept.misfits).toBe(1);
  });

  test("SocketInput passes over a container of no bytes", () => {
    const { kept } = play([[hello, container([]), container([row(1), END])]]);
    expect(kept.rows).toHaveLength(1);
  });

  test("SocketInput never throws whatever a sender says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }),
        fc.boolean(),
        (pieces, greets) => {
          play(
            [greets ? [hello, ...pieces] : pieces],
            (_, input) => input.ended || input.stats.reconnects > 0 || loop.said.length > 0,
          );
          loop.said.length = 0;
        },
      ),
      { numRuns: 200, seed: 11 },
    );
  });
});

describe.skipIf(!hasShared("golden/trap"))(
  `recorded sessions of the original${hasShared("golden/trap") ? "" : ` (${NO_SHARED})`}`,
  () => {
    const golden = (name: string): Uint8Array => readFileSync(sharedPath("golden/trap", name));
    const after = (name: string, done?: (kept: Kept) => boolean): Kept => {
      const { kept } = play(
        [[golden(name)]],
        (kept, input) => input.ended || (done?.(kept) ?? false),
      );
      return kept;
    };

    test("SocketInput reads the session with every kind of field", () => {
      const kept = after("u_unirec_hello+1container+eof.bin");
      expect(kept.rows).toHaveLength(4);
      expect(kept.ends).toBe(1);
      for (const [i, each] of kept.rows.entries()) {
        const indices = Array.from({ length: i }, (_, j) => j);
        expect(each).toMatchObject({
          DST_IP: `10.0.0.${i}`,
          SRC_IP: `2001:db8::${i === 0 ? "" : i}`,
          BYTES: 1000 + i,
          TIME_FIRST: (1_700_000_000 + i) * 1e6,
          PACKETS: i,
          DST_PORT: 443,
          SRC_PORT: 50_000 + i,
          PROTOCOL: 6,
          SRC_MAC: `00:11:22:33:44:0${i}`,
          PAYLOAD: Uint8Array.from(indices),
          HOST: `h${i}.example`,
          PPI_LEN: indices,
          PPI_T: indices.map((j) => (1_700_000_000 + j) * 1e6),
        });
      }
    });

    test("SocketInput survives the original's old records under a new hello", () => {
      const kept = after(
        "u_unirec_after_template_change.bin",
        ({ messages }) => messages.length > 2,
      );
      expect(kept.messages.map(({ length }) => length)).toEqual([93, 120, 43]);
    });

    test.each([
      ["u_json.bin", "json", "myjson"],
      ["u_json_empty.bin", "json", ""],
      ["u_raw.bin", "raw", ""],
    ])("SocketInput reads %s: a message, then one that ends the stream", (name, format, spec) => {
      const kept = after(name);
      expect(kept.layouts).toMatchObject([{ format, spec }]);
      expect(kept.messages.map((message) => Buffer.from(message).toString())).toEqual(['{"a":1}']);
    });

    test("SocketInput reads five containers without buffer and misses nothing", () => {
      const kept = after("u_unirec_bufferoff_5msgs.bin", ({ rows }) => rows.length === 5);
      expect(kept.layouts[0]!.spec).toBe("uint32 A,string S");
      expect(kept.rows).toHaveLength(5);
    });

    test("SocketInput reads what the original's logreplay sent, over unix, TCP and out of TLS", () => {
      expect(after("u_logreplay_full_session.bin").rows).toHaveLength(2);
      expect(
        after("t_unirec.bin", ({ messages }) => messages.length >= 4).messages.length,
      ).toBeGreaterThan(3);
      expect(after("T_tls_decrypted.bin").rows).toHaveLength(2);
    });
  },
);
