// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Batch, PAYLOAD_MAX } from "./batch.ts";
import {
  abandonRing,
  createBell,
  createRing,
  endRing,
  RingReader,
  RingWriter,
} from "./batch-ring.ts";
import type { Receiver } from "./port.ts";
import { parseTemplate, type Template } from "./unirec/template.ts";

/** A batch of records that hold one number each. */
function batchOf(values: readonly number[]): Batch {
  const batch = new Batch();
  for (const value of values) batch.view.setUint32(batch.push(4), value);
  return batch;
}

/** What a reader was given, in order: numbers of records, watermarks as `T…`, the end. */
class Diary implements Receiver {
  readonly lines: (number | string)[] = [];

  receive({ view, start, length, count }: Batch): void {
    const end = start + length;
    let records = 0;
    for (let at = start; at < end; at += 2 + view.getUint16(at), records++)
      this.lines.push(view.getUint32(at + 2));
    expect(records).toBe(count);
  }

  announce(layout: Template): void {
    this.lines.push(`${layout.direction ?? layout.format ?? "unirec"} ${layout.spec}`);
    expect(layout.fields.map(({ type, name }) => `${type} ${name}`).join()).toBe(layout.spec);
  }

  advance(watermark: number): void {
    this.lines.push(`T${watermark}`);
  }

  end(): void {
    this.lines.push("end");
  }
}

function pair(slots?: number) {
  const ring = createRing(createBell(), slots);
  const diary = new Diary();
  return { ring, diary, writer: new RingWriter(ring), reader: new RingReader(ring, diary) };
}

/** What a ring does, by a list. */
class Model {
  readonly lines: (number | string)[] = [];
  dropped = 0;
  readonly #slots: number;
  #used = 0;
  #due: string | undefined;

  constructor(slots: number) {
    this.#slots = slots;
  }

  take(kind: "receive" | "advance" | "drain", values: readonly number[], time: string): void {
    if (kind === "drain") {
      this.#used = 0;
      return;
    }
    if (kind === "advance") this.#due = time;
    if (this.#used === this.#slots) {
      this.dropped += values.length;
      return;
    }
    this.#used++;
    this.lines.push(...(this.#due === undefined ? [] : [this.#due]), ...values);
    this.#due = undefined;
  }
}

describe("BatchRing", () => {
  test("RingReader is told of a layout before the records that have it, watermarks in between", () => {
    const { diary, writer, reader } = pair(8);
    writer.announce(parseTemplate("uint32 A", "biflow"));
    writer.receive(batchOf([1]));
    writer.advance(5);
    writer.announce(parseTemplate("uint32 B,string S"));
    writer.receive(batchOf([2]));
    reader.drain();
    expect(diary.lines).toEqual(["biflow uint32 A", 1, "T5", "unirec uint32 B,string S", 2]);
  });

  test("RingWriter never drops a layout: a full ring's records wait for it, and are counted", () => {
    const { diary, writer, reader } = pair(2);
    writer.receive(batchOf([1]));
    writer.receive(batchOf([2]));
    writer.announce(parseTemplate("uint32 B"));
    writer.receive(batchOf([3, 4]));
    reader.drain();
    writer.receive(batchOf([5]));
    reader.drain();
    expect(diary.lines).toEqual([1, 2, "unirec uint32 B", 5]);
    expect(reader.dropped).toBe(2);
  });

  test("RingReader gives batches, event time and the end in their order", () => {
    const { diary, writer, reader } = pair();
    writer.receive(batchOf([1, 2]));
    writer.advance(10);
    writer.receive(batchOf([3]));
    writer.end();
    expect([reader.drain(), reader.ended]).toEqual([3, true]);
    expect(diary.lines).toEqual([1, 2, "T10", 3, "end"]);
    expect([reader.drain(), diary.lines.length]).toEqual([0, 5]);
  });

  test("RingWriter carries a batch that is full to its last byte", () => {
    const { writer, reader, diary } = pair();
    const batch = new Batch();
    while (batch.fits(4)) batch.view.setUint32(batch.push(4), batch.count);
    expect(batch.length).toBeGreaterThan(PAYLOAD_MAX - 6);
    writer.receive(batch);
    writer.receive(batch);
    reader.drain();
    expect(diary.lines.length).toBe(2 * batch.count);
    expect(diary.lines.slice(0, 2)).toEqual([1, 2]);
    expect(diary.lines.at(-1)).toBe(batch.count);
  });

  test("RingWriter drops what a full ring has no slot for and counts the records", () => {
    const { diary, writer, reader } = pair(2);
    for (let i = 0; i < 5; i++) writer.receive(batchOf([i, i]));
    expect(reader.dropped).toBe(6);
    expect(reader.drain()).toBe(2);
    expect(diary.lines).toEqual([0, 0, 1, 1]);
  });

  test("RingWriter keeps event time that found no slot and sends it in front of the next batch", () => {
    const { diary, writer, reader } = pair(1);
    writer.receive(batchOf([1]));
    writer.advance(10);
    writer.advance(20);
    reader.drain();
    writer.receive(batchOf([2]));
    reader.drain();
    writer.receive(batchOf([3]));
    reader.drain();
    expect(diary.lines).toEqual([1, "T20", 2, 3]);
  });

  test("RingReader ends only when all that was written before the end is delivered", () => {
    const { diary, writer, reader } = pair(4);
    for (let i = 0; i < 4; i++) writer.receive(batchOf([i]));
    writer.end();
    // A full ring's worth: whether there is more is not known yet.
    expect([reader.drain(), reader.ended]).toEqual([4, false]);
    expect([reader.drain(), reader.ended]).toEqual([0, true]);
    expect(diary.lines).toEqual([0, 1, 2, 3, "end"]);
  });

  test("endRing ends a ring whose writer is gone, what it wrote is delivered before", () => {
    const { ring, diary, writer, reader } = pair();
    writer.receive(batchOf([1]));
    endRing(ring);
    endRing(ring);
    reader.drain();
    expect(diary.lines).toEqual([1, "end"]);
  });

  test("abandonRing frees a patient writer whose reader is gone; it counts what it drops", () => {
    const { ring, writer, reader } = pair(1);
    writer.patient = true;
    writer.receive(batchOf([1]));
    abandonRing(ring);
    writer.receive(batchOf([2, 3]));
    expect([reader.dropped, writer.patient]).toEqual([2, false]);
  });

  test("createRing takes powers of two only: others would jump when the counters wrap", () => {
    expect(() => createRing(createBell(), 3)).toThrow("a ring of 3 slots: expected a power of two");
  });

  test("RingWriter goes on where its 32-bit counters wrap", () => {
    const { ring, diary, writer, reader } = pair(4);
    const words = new Int32Array(ring.memory);
    // Slots written and read so far: at the sign's change and at 2^32.
    for (const begin of [0x7ffffffe, -2]) {
      words[0] = begin;
      words[16] = begin;
      diary.lines.length = 0;
      for (let i = 0; i < 6; i++) writer.receive(batchOf([i]));
      reader.drain();
      writer.receive(batchOf([9]));
      reader.drain();
      expect(diary.lines).toEqual([0, 1, 2, 3, 9]);
    }
    expect(reader.dropped).toBe(4);
  });

  test("BatchRing behaves as a bounded queue under any mix of writes and reads", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("receive" as const), records: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant("advance" as const) }),
      fc.record({ kind: fc.constant("drain" as const) }),
    );
    const property = fc.property(
      fc.constantFrom(1, 2, 4),
      fc.array(step, { maxLength: 60 }),
      (slots, steps) => {
        const { diary, writer, reader } = pair(slots);
        const model = new Model(slots);
        let [next, time] = [0, 0];
        for (const { kind, ...more } of steps) {
          const records = "records" in more ? more.records : 0;
          const values = Array.from({ length: records }, () => next++);
          if (kind === "drain") reader.drain();
          else if (kind === "advance") writer.advance(++time);
          else writer.receive(batchOf(values));
          model.take(kind, values, `T${time}`);
        }
        writer.end();
        reader.drain();
        reader.drain();
        expect(diary.lines).toEqual([...model.lines, "end"]);
        expect(reader.dropped).toBe(model.dropped);
      },
    );
    fc.assert(property, { seed: 1, numRuns: 100 });
  });

  const folder = mkdtempSync(join(tmpdir(), "nemean-ring-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A Worker that writes batches of growing numbers and a watermark after each, with what a ring needs. */
  const startWriter = (ring: object, batches: number, patient: boolean): Worker => {
    const code = `import { RingWriter } from "${import.meta.dir}/batch-ring.ts";
      import { Batch } from "${import.meta.dir}/batch.ts";
      self.onmessage = ({ data: { ring, batches, patient } }) => {
        const writer = new RingWriter(ring);
        writer.patient = patient;
        const batch = new Batch();
        let next = 0;
        for (let i = 0; i < batches; i++) {
          batch.clear();
          for (let r = 0; r < 100; r++) batch.view.setUint32(batch.push(4), next++);
          writer.receive(batch);
          writer.advance(next);
        }
        writer.end();
      };`;
    const file = join(folder, "writer.ts");
    writeFileSync(file, code);
    const worker = new Worker(file);
    worker.postMessage({ ring, batches, patient });
    return worker;
  };

  test.each([true, false])(
    "BatchRing between two threads loses nothing uncounted (a patient writer: %p)",
    async (patient) => {
      const { ring, diary, reader } = pair(4);
      const worker = startWriter(ring, 2000, patient);
      // A turn of the event loop now and then: without it the Worker would not start.
      while (!reader.ended) if (reader.drain() === 0) await Bun.sleep(1);
      worker.terminate();
      const records = diary.lines.filter((line) => typeof line === "number");
      const times = diary.lines.filter((line) => typeof line === "string");
      expect(records.length + reader.dropped).toBe(200_000);
      if (patient) expect([reader.dropped, times.length]).toEqual([0, 2001]);
      // In order, and never behind a watermark that promised to be below it.
      let [last, watermark] = [-1, 0];
      let wrong = 0;
      for (const line of diary.lines.slice(0, -1)) {
        if (typeof line === "string") watermark = Number(line.slice(1));
        else if (line <= last || line < watermark) wrong++;
        if (typeof line === "number") last = line;
      }
      expect([wrong, diary.lines.at(-1)]).toEqual([0, "end"]);
    },
  );
});
