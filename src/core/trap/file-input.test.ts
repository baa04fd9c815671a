// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { Batch, HEADROOM } from "../batch.ts";
import { hasShared, NO_SHARED, sharedPath } from "../testing/shared.ts";
import { messages, parseTemplate } from "../unirec/template.ts";
import { batchOf } from "../unirec/test-kit.ts";
import { openFileInput } from "./file-input.ts";
import {
  container,
  Folder,
  fileOf,
  hex,
  Kept,
  readFiles,
  Surroundings,
  textBatch,
  turn,
} from "./testing/file-kit.ts";

const RAW = messages("raw");
const JSON_LINES = messages("json", "lines");
const GOLDEN = "golden/trap/f_unirec_2buffers.trapcap";
const text = (...texts: string[]): string[] => texts.map((each) => hex(Buffer.from(each)));

describe("file input", () => {
  test.skipIf(!hasShared(GOLDEN))(
    `reads the original's file${hasShared(GOLDEN) ? "" : `, ${NO_SHARED}`}`,
    () => {
      const read = readFiles(sharedPath(GOLDEN));
      expect(read.layouts).toEqual(["unirec uint32 A,string S"]);
      const record = (i: number): string => `0${i}000000000004007265633${i}`;
      expect(read.messages).toEqual([0, 1, 2, 3].map(record));
      expect(read.ends).toBe(1);
      expect(read.stats).toMatchObject({ messages: 4, buffers: 2, malformed: 0 });
      expect(read.lines).toEqual([]);
    },
  );

  test("reads files in sorted order and announces each other layout", () => {
    using folder = new Folder();
    writeFileSync(folder.file("b"), fileOf(RAW, textBatch("b1"), textBatch("b2", "b3")));
    writeFileSync(folder.file("a"), fileOf(JSON_LINES, textBatch("a1")));
    writeFileSync(folder.file("c"), fileOf(RAW, textBatch("c1")));
    const read = readFiles(folder.file("?"));
    expect(read.layouts).toEqual(["json lines", "raw "]);
    expect(read.messages).toEqual(text("a1", "b1", "b2", "b3", "c1"));
    expect(read.stats).toMatchObject({ type: "f", id: folder.file("c"), connected: false });
    expect(read.ends).toBe(1);
  });

  test("goes on with the next file after the message that ends one, and ends once", () => {
    using folder = new Folder();
    const end = batchOf(Buffer.from("last"), new Uint8Array(1), Buffer.from("behind"));
    writeFileSync(folder.file("a"), fileOf(RAW, textBatch("a1"), end, textBatch("behind")));
    writeFileSync(
      folder.file("b"),
      fileOf(RAW, textBatch("b1"), textBatch("b2"), batchOf(new Uint8Array(0))),
    );
    const read = readFiles(`${folder.file("a")} ${folder.file("b")}`);
    expect(read.messages).toEqual(text("a1", "last", "b1", "b2"));
    expect(read.ends).toBe(1);
    expect(read.stats.malformed).toBe(0);
  });

  test("skips empty containers, and tells of empty files", () => {
    using folder = new Folder();
    writeFileSync(folder.file("a"), "");
    writeFileSync(folder.file("b"), fileOf(RAW, batchOf(), textBatch("b1"), batchOf()));
    const read = readFiles(folder.file("[ab]"));
    expect(read.messages).toEqual(text("b1"));
    expect(read.lines).toEqual([`notice: ${folder.file("a")}: empty, left out`]);
    expect(read.stats).toMatchObject({ malformed: 0, buffers: 1 });
  });

  test("announces the layout of a file without records", () => {
    using folder = new Folder();
    writeFileSync(folder.file("a"), fileOf(parseTemplate("uint8 X")));
    const read = readFiles(folder.file("a"));
    expect(read).toMatchObject({ layouts: ["unirec uint8 X"], messages: [], ends: 1 });
  });

  test("delivers what is whole of a truncated file, at any length", () => {
    using folder = new Folder();
    const whole = fileOf(RAW, textBatch("one", "two"), textBatch("three", "four"));
    const hello = fileOf(RAW).length;
    // Where each message is whole: hello 8, header 4, 5, 5, header 4, 7, 6.
    const ends = [17, 22, 33, 39];
    for (let length = 1; length < whole.length; length++) {
      writeFileSync(folder.file("a"), whole.subarray(0, length));
      writeFileSync(folder.file("b"), fileOf(RAW, textBatch("next")));
      const read = readFiles(folder.file("[ab]"));
      const count = ends.filter((end) => end <= length).length;
      expect(read.messages).toEqual(
        text(...["one", "two", "three", "four"].slice(0, count), "next"),
      );
      const cut = length !== hello && length !== 22 ? 1 : 0;
      expect({ length, malformed: read.stats.malformed }).toEqual({ length, malformed: cut });
      expect(read.lines).toHaveLength(cut);
      if (cut) expect(read.lines[0]).toContain(`${folder.file("a")}: at byte`);
    }
  });

  test("says where a truncated file ends", () => {
    using folder = new Folder();
    writeFileSync(
      folder.file("a"),
      fileOf(RAW, textBatch("one"), textBatch("two")).subarray(0, 23),
    );
    const { lines } = readFiles(folder.file("a"));
    expect(lines).toEqual([
      `warning: ${folder.file("a")}: at byte 17: ends at byte 23 in the middle of a container; what is whole was taken`,
    ]);
  });

  test("leaves a file with a bad hello, and goes on with the next", () => {
    using folder = new Folder();
    writeFileSync(folder.file("a"), "a,b,c,d\n1,2,3,4\n");
    writeFileSync(folder.file("b"), Buffer.alloc(8));
    writeFileSync(folder.file("c"), fileOf(RAW, textBatch("c1")));
    const read = readFiles(folder.file("*"));
    expect(read.messages).toEqual(text("c1"));
    expect(read.stats.malformed).toBe(2);
    expect(read.lines).toEqual([
      expect.stringContaining(`${folder.file("a")}: at byte 0: no TRAP file: a specifier of`),
      expect.stringContaining("it does not say its format"),
    ]);
  });

  test("leaves out the rest of a container whose message reaches beyond it", () => {
    using folder = new Folder();
    const bad = container(textBatch("good", "bad"));
    bad.writeUint16BE(500, 4 + 2 + 4);
    writeFileSync(
      folder.file("a"),
      Buffer.concat([fileOf(RAW), bad, container(textBatch("after"))]),
    );
    const read = readFiles(folder.file("a"));
    expect(read.messages).toEqual(text("good", "after"));
    expect(read.stats.malformed).toBe(1);
    expect(read.lines).toEqual([expect.stringContaining("at byte 8: a message reaches beyond")]);
  });

  test("reads a container of 240,000 bytes, which broke the original, or refuses it", () => {
    using folder = new Folder();
    const message = Buffer.alloc(59_998, 7);
    const large = container(repeated(message, 4));
    expect(large.length).toBe(240_004);
    writeFileSync(folder.file("a"), Buffer.concat([fileOf(RAW, textBatch("first")), large, large]));
    writeFileSync(folder.file("b"), fileOf(RAW, textBatch("next")));
    const read = readFiles(folder.file("*"), { containerMax: 240_000 });
    expect(read.messages).toHaveLength(10);
    expect(read.messages[8]).toBe(hex(message));
    expect(read.stats.malformed).toBe(0);
    const refused = readFiles(folder.file("*"), { containerMax: 239_999 });
    expect(refused.messages).toEqual(text("first", "next"));
    expect(refused.stats.malformed).toBe(1);
    expect(refused.lines).toEqual([
      expect.stringContaining("at byte 19: a container of 240000 bytes, container_max is 239999"),
    ]);
  });

  test("reads containers larger than its buffer among small ones", () => {
    using folder = new Folder();
    const large = container(repeated(Buffer.alloc(65_000, 1), 9));
    const small = container(textBatch("small"));
    const parts = [small, large, small, small, large, small];
    writeFileSync(folder.file("a"), Buffer.concat([fileOf(RAW), ...parts]));
    const read = readFiles(folder.file("a"));
    const sizes = read.messages.map(({ length }) => length / 2);
    const nine = Array.from({ length: 9 }, () => 65_000);
    expect(sizes).toEqual([5, ...nine, 5, 5, ...nine, 5]);
  });

  test("ends with a failure that names the file when its layout cannot be read", () => {
    using folder = new Folder();
    writeFileSync(folder.file("a"), fileOf(RAW, textBatch("a1")));
    writeFileSync(folder.file("b"), fileOf(JSON_LINES, textBatch("b1")));
    class Picky extends Kept {
      override announce(layout: Parameters<Kept["announce"]>[0]): void {
        if (layout.format === "json") throw new Error("no JSON, please");
        super.announce(layout);
      }
    }
    const read = readFiles(folder.file("*"), { into: new Picky() });
    expect(read.messages).toEqual(text("a1"));
    expect(read.failure).toMatchObject({
      code: "ERR_TEMPLATE",
      exitCode: 65,
      message: `${folder.file("b")}: no JSON, please`,
    });
    expect(read.ends).toBe(0);
  });

  test.each([
    ["nothing", "cannot read"],
    ["x* nothing", "no file matches"],
    ["", "names no file"],
  ])("refuses %p at once", (pattern, why) => {
    using folder = new Folder();
    const text = pattern.replace(/\w/, `${folder.path}/$&`);
    expect(() => readFiles(text)).toThrow(
      expect.objectContaining({
        code: "ERR_TRAP",
        exitCode: 66,
        message: expect.stringContaining(why),
      }),
    );
  });

  test("leaves out a folder among the files", () => {
    using folder = new Folder();
    mkdirSync(folder.file("a"));
    writeFileSync(folder.file("b"), fileOf(RAW, textBatch("b1")));
    const read = readFiles(folder.file("*"));
    expect(read.messages).toEqual(text("b1"));
    expect(read.lines).toEqual([expect.stringContaining("EISDIR")]);
  });

  test("takes from a FIFO what comes, without waiting for it", () => {
    using folder = new Folder();
    const path = folder.file("fifo");
    Bun.spawnSync(["mkfifo", path]);
    const env = new Surroundings();
    const kept = new Kept();
    using input = openFileInput({ type: "f", pattern: path, containerMax: 1e6 }, kept, env);
    // No writer has come: the loop goes on.
    for (let i = 0; i < 3; i++) env.poller.turn(0);
    expect({ ended: input.ended, connected: input.stats.connected }).toEqual({
      ended: false,
      connected: true,
    });
    const writer = openSync(path, "w");
    const bytes = fileOf(RAW, textBatch("one"), textBatch("two"));
    for (const byte of bytes) {
      writeSync(writer, Uint8Array.of(byte));
      env.poller.turn();
      env.poller.turn(0);
    }
    expect(kept.messages).toEqual(text("one", "two"));
    closeSync(writer);
    turn(input, env);
    expect(kept.ends).toBe(1);
  });

  test("reads standard input", () => {
    const kit = JSON.stringify(`${import.meta.dir}/testing/file-kit.ts`);
    const script = `const { readFiles } = await import(${kit}); const { messages, ends } = readFiles("/dev/stdin"); console.log(JSON.stringify({ messages, ends }));`;
    const child = Bun.spawnSync([process.execPath, "-e", script], {
      stdin: fileOf(RAW, textBatch("one"), textBatch("two")),
    });
    expect(JSON.parse(child.stdout.toString())).toEqual({ messages: text("one", "two"), ends: 1 });
  });
});

/** The same message several times, more than a batch holds. */
function repeated(message: Uint8Array, count: number): Batch {
  const batch = new Batch(new ArrayBuffer(HEADROOM + count * (2 + message.length)));
  for (let i = 0; i < count; i++) batch.bytes.set(message, batch.push(message.length));
  return batch;
}
