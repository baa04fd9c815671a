// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
} from "node:fs";
import { Batch, HEADROOM } from "../batch.ts";
import { ManualClock } from "../clock.ts";
import { OutputPort } from "../port.ts";
import { hasShared, NO_SHARED, sharedPath } from "../testing/shared.ts";
import { messages, parseTemplate } from "../unirec/template.ts";
import { batchOf, packed } from "../unirec/test-kit.ts";
import { intervalSuffix } from "./file-name.ts";
import {
  Folder,
  fileOf,
  hex,
  NOTHING,
  openFile,
  readFiles,
  Surroundings,
  textBatch,
} from "./testing/file-kit.ts";

const RAW = messages("raw");
const END = Uint8Array.of(0);
const GOLDEN = "golden/trap/f_unirec_2buffers.trapcap";
const { O_NONBLOCK, O_RDONLY } = constants;
const KIT = JSON.stringify(`${import.meta.dir}/testing/file-kit.ts`);

/** A script in a process of its own; `output` writes to `specifier`. */
const script = (specifier: string, rest: string): string =>
  `const { openFile, textBatch, NOTHING, Surroundings } = await import(${KIT});
   const { messages } = await import(${JSON.stringify(`${import.meta.dir}/../unirec/template.ts`)});
   const env = new Surroundings();
   const output = openFile(${JSON.stringify(specifier)}, { env });
   output.announce(messages("raw"));
   ${rest}`;

describe("file output", () => {
  test.skipIf(!hasShared(GOLDEN))(
    `writes the bytes that the original writes${hasShared(GOLDEN) ? "" : `, ${NO_SHARED}`}`,
    () => {
      using folder = new Folder();
      const layout = parseTemplate("uint32 A,string S");
      const output = openFile(`f:${folder.file("x")}`);
      output.announce(layout);
      output.receive(
        packed(
          layout,
          [0, 1, 2].map((A) => ({ A, S: `rec${A}` })),
        ),
      );
      output.finish(packed(layout, [{ A: 3, S: "rec3" }]));
      expect(hex(folder.bytes("x"))).toBe(hex(readFileSync(sharedPath(GOLDEN))));
    },
  );

  test("writes each batch as one container behind the hello", () => {
    using folder = new Folder();
    const output = openFile(`f:${folder.file("x")}:w`);
    expect(folder.bytes("x")).toHaveLength(0);
    output.announce(RAW);
    output.receive(textBatch("one", "two"));
    output.receive(textBatch("three"));
    expect(output.drained).toBe(true);
    output.finish(textBatch("four"));
    const last = batchOf(Buffer.from("four"), END);
    expect(hex(folder.bytes("x"))).toBe(
      hex(fileOf(RAW, textBatch("one", "two"), textBatch("three"), last)),
    );
    expect(output.stats).toEqual({
      type: "f",
      id: folder.file("x"),
      messages: 5,
      buffers: 3,
      autoflushes: 0,
      dropped: 0,
      unheard: 0,
      clients: [],
      clientCount: 1,
    });
  });

  test("writes each message as a container of its own with buffer=off", () => {
    using folder = new Folder();
    const port = new OutputPort("out", RAW);
    const output = openFile(`f:${folder.file("x")}:buffer=off`);
    output.attach(port);
    port.pass(textBatch("one", "two"));
    const at = port.room(5).push(5);
    port.room(0).bytes.set(Buffer.from("three"), at);
    port.end();
    const alone = ["one", "two", "three"].map((text) => textBatch(text));
    expect(port.eager).toBe(true);
    expect(hex(folder.bytes("x"))).toBe(hex(fileOf(RAW, ...alone, batchOf(END))));
  });

  test("leaves a batch that it is given as it is, the headroom too", () => {
    using folder = new Folder();
    const output = openFile(`f:${folder.file("x")}`);
    output.announce(RAW);
    const batch = textBatch("one");
    batch.bytes.fill(0xaa, 0, HEADROOM);
    const before = hex(batch.bytes);
    output.finish(batch);
    expect(hex(batch.bytes)).toBe(before);
  });

  test("takes batches of shared memory", () => {
    using folder = new Folder();
    const output = openFile(`f:${folder.file("x")}`);
    output.announce(RAW);
    const batch = new Batch(new SharedArrayBuffer(100));
    batch.bytes.set(Buffer.from("one"), batch.push(3));
    output.receive(batch);
    output.close();
    expect(hex(folder.bytes("x"))).toBe(hex(fileOf(RAW, textBatch("one"))));
  });

  test("cuts a batch of more than 100,000 bytes, which would break the original's reader", () => {
    using folder = new Folder();
    const batch = new Batch(new ArrayBuffer(400_000));
    for (let i = 0; i < 5; i++) batch.bytes.fill(i, batch.push(49_998 + (i & 1)));
    const output = openFile(`f:${folder.file("x")}`);
    output.announce(RAW);
    output.finish(batch);
    const read = readFiles(folder.file("x"), { containerMax: 100_000 });
    const sizes = read.messages.map(({ length }) => length / 2);
    expect(sizes).toEqual([49_998, 49_999, 49_998, 49_999, 49_998]);
    expect(read.stats).toMatchObject({ malformed: 0, buffers: 6 });
  });

  test("puts the message that ends the stream into the last container, or alone", () => {
    using folder = new Folder();
    for (const [name, batch] of [
      ["a", textBatch("one")],
      ["b", NOTHING],
    ] as const) {
      const output = openFile(`f:${folder.file(name)}`);
      output.announce(RAW);
      output.finish(batch);
    }
    expect(hex(folder.bytes("a"))).toBe(hex(fileOf(RAW, batchOf(Buffer.from("one"), END))));
    expect(hex(folder.bytes("b"))).toBe(hex(fileOf(RAW, batchOf(END))));
  });

  test("tells the layout of a stream without records, even without an end", () => {
    using folder = new Folder();
    for (const close of [true, false]) {
      const output = openFile(`f:${folder.file("x")}`);
      output.endsStream = false;
      output.announce(parseTemplate("uint8 X"));
      if (close) output.close();
      else output.finish(NOTHING);
      expect(hex(folder.bytes("x"))).toBe(hex(fileOf(parseTemplate("uint8 X"))));
    }
  });

  test("leaves a file empty whose layout never came", () => {
    using folder = new Folder();
    openFile(`f:${folder.file("x")}`).end();
    expect(folder.bytes("x")).toHaveLength(0);
  });

  test("counts what comes after the end as dropped", () => {
    using folder = new Folder();
    const output = openFile(`f:${folder.file("x")}`);
    output.announce(RAW);
    output.end();
    output.receive(textBatch("late"));
    output.close();
    expect(output.stats).toMatchObject({ messages: 2, dropped: 1 });
  });
});

describe("file output that cannot write", () => {
  test.each([
    ["a folder", "", "EISDIR"],
    ["below a file", "file/x", "ENOTDIR"],
  ])("refuses %s at start, with path and cure", (_, name, code) => {
    using folder = new Folder();
    openFile(`f:${folder.file("file")}`).close();
    const path = folder.file(name);
    expect(() => openFile(`f:${path}`)).toThrow(
      expect.objectContaining({
        code: "ERR_TRAP",
        exitCode: 73,
        message: expect.stringMatching(new RegExp(`${code}.*${path}.*name a file`)),
      }),
    );
  });

  test("counts what a full disk does not take, and says so once", () => {
    const env = new Surroundings();
    const output = openFile("f:/dev/full", { env });
    output.announce(RAW);
    output.receive(textBatch("one", "two"));
    output.receive(textBatch("three"));
    expect(output.stats).toMatchObject({ messages: 3, dropped: 3, buffers: 0 });
    expect(env.lines).toEqual([expect.stringMatching(/^error: f:\/dev\/full: .*ENOSPC.*dropped/)]);
    output.endsStream = false;
    output.finish(NOTHING);
    expect(env.lines.slice(1)).toEqual([expect.stringContaining("the last 3 messages")]);
  });

  test("takes back half a container and goes on when there is room again", () => {
    using folder = new Folder();
    // 4096 bytes at most: what is too long is written in part, then refused.
    const work = `const big = textBatch("b".repeat(3000));
      for (const batch of [big, big, textBatch("s"), big, textBatch("t")]) output.receive(batch);
      output.close();
      const { stats: { dropped, buffers }, } = output;
      console.log(JSON.stringify({ dropped, buffers, lines: env.lines.length }));`;
    const command = `trap '' XFSZ; ulimit -f 8; exec "$0" -e "$1"`;
    const child = Bun.spawnSync(
      ["sh", "-c", command, process.execPath, script(`f:${folder.file("x")}`, work)],
      { env: { ...process.env, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } },
    );
    expect(child.stderr.toString()).toBe("");
    expect(JSON.parse(child.stdout.toString())).toEqual({ dropped: 2, buffers: 3, lines: 4 });
    expect(hex(folder.bytes("x"))).toBe(
      hex(fileOf(RAW, textBatch("b".repeat(3000)), textBatch("s"), textBatch("t"))),
    );
  });

  test("tries the next file again with each batch", () => {
    using folder = new Folder();
    const env = new Surroundings();
    const clock = new ManualClock(0);
    const blocked = folder.file(`x${intervalSuffix(60e6)}`);
    const output = openFile(`f:${folder.file("x")}:time=1`, { env, clock });
    output.announce(RAW);
    clock.set(60e6);
    mkdirSync(blocked);
    output.receive(textBatch("lost"));
    output.receive(textBatch("lost", "lost"));
    rmdirSync(blocked);
    output.receive(textBatch("kept"));
    output.close();
    expect(output.stats).toMatchObject({ messages: 4, dropped: 3 });
    expect(readFiles(blocked).messages).toEqual([hex(Buffer.from("kept"))]);
    expect(env.lines).toEqual([
      expect.stringContaining("EISDIR"),
      expect.stringContaining("is written again; 3 messages were dropped"),
    ]);
  });
});

describe("file output to a pipe", () => {
  /** A FIFO whose reader is this process. */
  function fifo(folder: Folder): { path: string; fd: number } {
    const path = folder.file("fifo");
    Bun.spawnSync(["mkfifo", path]);
    return { path, fd: openSync(path, O_RDONLY | O_NONBLOCK) };
  }

  test("writes the same bytes, and never begins another file", () => {
    using folder = new Folder();
    const { path, fd } = fifo(folder);
    const clock = new ManualClock(0);
    const output = openFile(`f:${path}:a:time=1:size=1`, { clock });
    output.announce(RAW);
    output.receive(textBatch("one"));
    clock.set(3600e6);
    output.finish(textBatch("two"));
    const bytes = Buffer.alloc(1000);
    const read = readSync(fd, bytes);
    closeSync(fd);
    const whole = fileOf(RAW, textBatch("one"), batchOf(Buffer.from("two"), END));
    expect(hex(bytes.subarray(0, read))).toBe(hex(whole));
  });

  test("waits for a reader that is slow", async () => {
    using folder = new Folder();
    const path = folder.file("fifo");
    Bun.spawnSync(["mkfifo", path]);
    const reader = Bun.spawn(["sh", "-c", `cat "$0" > "$1"`, path, folder.file("copy")]);
    const output = openFile(`f:${path}`);
    output.announce(RAW);
    const batch = textBatch("x".repeat(60_000));
    for (let i = 0; i < 20; i++) output.receive(batch);
    output.close();
    await reader.exited;
    expect(readFiles(folder.file("copy")).messages).toHaveLength(20);
    expect(output.stats.dropped).toBe(0);
  });

  test("ends quietly when the reader has gone", () => {
    using folder = new Folder();
    const { path, fd } = fifo(folder);
    const output = openFile(`f:${path}`);
    output.announce(RAW);
    output.receive(textBatch("one"));
    closeSync(fd);
    expect(() => output.receive(textBatch("two"))).toThrow(
      expect.objectContaining({ code: "ERR_OUTPUT", exitCode: 0 }),
    );
    output.close();
    expect(output.stats).toMatchObject({ messages: 2, dropped: 1 });
  });

  test("fails when it took half a container and no more until the process was stopped", () => {
    using folder = new Folder();
    const { path, fd } = fifo(folder);
    let stopped = false;
    const output = openFile(`f:${path}`, { env: new Surroundings(() => stopped) });
    output.announce(RAW);
    output.receive(textBatch("x".repeat(60_000)));
    stopped = true;
    expect(() => output.receive(textBatch("x".repeat(60_000)))).toThrow(
      expect.objectContaining({ code: "ERR_OUTPUT", exitCode: 74 }),
    );
    closeSync(fd);
  });

  test("does not wait for a FIFO's reader when the process is stopped", () => {
    using folder = new Folder();
    const path = folder.file("fifo");
    Bun.spawnSync(["mkfifo", path]);
    let looks = 0;
    const env = new Surroundings(() => ++looks > 2);
    expect(() => openFile(`f:${path}`, { env })).toThrow(
      expect.objectContaining({ code: "ERR_TRAP", exitCode: 0 }),
    );
  });

  test("fails when the layout changes, but for the null device", () => {
    using folder = new Folder();
    const { path, fd } = fifo(folder);
    for (const to of [path, "/dev/null"]) {
      const output = openFile(`f:${to}`);
      output.announce(RAW);
      // Nothing was written: it may still change its mind.
      output.announce(messages("json"));
      output.receive(textBatch("{}"));
      const change = (): void => output.announce(RAW);
      if (to === path) expect(change).toThrow(expect.objectContaining({ code: "ERR_OUTPUT" }));
      else change();
      output.close();
    }
    closeSync(fd);
  });

  test("goes on behind what standard output holds", () => {
    using folder = new Folder();
    const work = `output.receive(textBatch("one")); output.finish(textBatch("two"));`;
    const command = `echo before > "$2"; "$0" -e "$1" >> "$2"; echo after >> "$2"`;
    const child = Bun.spawnSync([
      "sh",
      "-c",
      command,
      process.execPath,
      script("f:/dev/stdout:w", work),
      folder.file("x"),
    ]);
    expect(child.stderr.toString()).toBe("");
    const whole = fileOf(RAW, textBatch("one"), batchOf(Buffer.from("two"), END));
    const bytes = Buffer.concat([Buffer.from("before\n"), whole, Buffer.from("after\n")]);
    expect(hex(folder.bytes("x"))).toBe(hex(bytes));
  });
});
