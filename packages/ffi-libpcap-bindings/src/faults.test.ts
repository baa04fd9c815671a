// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { CaptureFolder, captureFile, udpFrame } from "../fixtures/capture-file.ts";
import { describeWithLibpcap, openFiles } from "../fixtures/requirements.ts";
import { compileFilter } from "./bpf-program.ts";
import { openDead, openOffline } from "./open.ts";
import { PacketBatch } from "./packet-batch.ts";
import { PcapError } from "./pcap-error.ts";

// Whatever goes wrong is a JavaScript exception, never a crash of the process.
describeWithLibpcap("faults", () => {
  const folder = new CaptureFolder();
  afterAll(() => folder[Symbol.dispose]());
  const frame = udpFrame(1000, 53);

  test("every member of a closed handle throws, and a second close does nothing", () => {
    const pcap = openOffline(folder.write(captureFile([{ bytes: frame }, { bytes: frame }])));
    pcap.next();
    const bytes = pcap.bytes;
    pcap.close();
    pcap.close();
    pcap[Symbol.dispose]();
    const uses = [
      () => pcap.next(),
      () => pcap.bytes,
      () => pcap.time,
      () => pcap.captured,
      () => pcap.length,
      () => pcap.readBatch(new PacketBatch()),
      () => pcap.wait(0),
      () => pcap.selectableFd,
      () => pcap.setFilter("udp"),
      () => pcap.compile("udp"),
      () => pcap.setDirection("in"),
      () => pcap.stats(),
      () => pcap.inject(frame),
    ];
    const closed = expect.objectContaining({ code: "ERR_PCAP_CLOSED" });
    for (const use of uses) expect(use).toThrow(closed);
    expect(bytes).toEqual(frame);
    expect([pcap.ended, pcap.linkType]).toEqual([true, 1]);
  });

  test("a handle closed while a packet is held back forgets it", () => {
    const pcap = openOffline(folder.write(captureFile([{ bytes: frame }])));
    expect(() => pcap.readBatch(new PacketBatch(1, 1))).toThrow("does not fit");
    pcap.close();
    expect(() => pcap.next()).toThrow(expect.objectContaining({ code: "ERR_PCAP_CLOSED" }));
  });

  test("a record with more bytes captured than on the wire is read as it stands", () => {
    using pcap = openOffline(folder.write(captureFile([{ bytes: frame, length: 10 }])));
    expect(pcap.next()).toBe(true);
    expect([pcap.captured, pcap.length, pcap.bytes.length]).toEqual([62, 10, 62]);
    using program = compileFilter("udp port 53");
    expect(program.matches(pcap.bytes, 0, pcap.captured, pcap.length)).toBe(true);
  });

  test("a length beyond 2^31 is the largest number a column holds", () => {
    const packet = { bytes: frame, length: 0xffffffff };
    using pcap = openOffline(folder.write(captureFile([packet])));
    const batch = new PacketBatch();
    expect(pcap.readBatch(batch)).toBe(1);
    expect(batch.length[0]).toBe(0x7fffffff);
  });

  test("a file with snaplen 0 gives its packets", () => {
    using pcap = openOffline(folder.write(captureFile([{ bytes: frame }], { snaplen: 0 })));
    expect(pcap.next()).toBe(true);
    expect(pcap.bytes).toEqual(frame);
  });

  test("a truncated file gives its whole packets, then one error, then its end", () => {
    const file = captureFile([{ bytes: frame }, { bytes: frame }, { bytes: frame }]);
    const path = folder.write(file.subarray(0, file.length - 1));
    const truncated = expect.objectContaining({
      code: "ERR_PCAP_READ",
      message: expect.stringMatching(/^.+\.pcap: truncated dump file/),
    });

    using cursor = openOffline(path);
    expect([cursor.next(), cursor.next()]).toEqual([true, true]);
    expect(() => cursor.next()).toThrow(truncated);
    expect([cursor.next(), cursor.ended]).toEqual([false, true]);

    using pcap = openOffline(path);
    const batch = new PacketBatch();
    expect(pcap.readBatch(batch)).toBe(2);
    expect(pcap.ended).toBe(false);
    expect(() => pcap.readBatch(batch)).toThrow(truncated);
    expect([pcap.readBatch(batch), batch.count, pcap.ended]).toEqual([0, 0, true]);
  });

  test("a record that claims 4 GB is an error, not an allocation", () => {
    using pcap = openOffline(folder.write(captureFile([{ bytes: frame, captured: 0xffffffff }])));
    expect(() => pcap.next()).toThrow(expect.objectContaining({ code: "ERR_PCAP_READ" }));
    expect([pcap.next(), pcap.ended]).toEqual([false, true]);
  });

  /** Reads a file to its end, and returns how many packets or batches it had. */
  function readToEnd(path: string, batched: boolean): number {
    using pcap = openOffline(path);
    const batch = new PacketBatch(3, 4096);
    let steps = 0;
    while (batched ? pcap.readBatch(batch) > 0 : pcap.next()) {
      if (!batched) expect(pcap.bytes.length).toBe(pcap.captured);
      steps++;
    }
    return steps;
  }

  test("no damage to a file does more than throw a PcapError", () => {
    const whole = captureFile(Array.from({ length: 4 }, (_, i) => ({ bytes: udpFrame(i, 53, i) })));
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    const changes = fc.array(change, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(changes, fc.nat(40), fc.boolean(), (changed, cut, batched) => {
        const file = whole.slice();
        for (const [at, value] of changed) file[at] = value;
        const path = folder.write(file.subarray(0, file.length - cut));
        try {
          expect(readToEnd(path, batched)).toBeLessThan(20);
        } catch (error) {
          expect(error).toBeInstanceOf(PcapError);
        }
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  test("opening and closing 1,000 files, programs and dead handles leaves no file open", async () => {
    const path = folder.write(captureFile([{ bytes: frame }]));
    const before = await openFiles();
    for (let i = 0; i < 1000; i++) {
      using pcap = openOffline(path);
      pcap.setFilter("udp");
      expect(pcap.next()).toBe(true);
      using dead = openDead();
      using program = dead.compile("udp port 53");
      expect(program.matches(frame)).toBe(true);
    }
    expect(await openFiles()).toBe(before);
  }, 60_000);
});
