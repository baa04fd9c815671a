// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { assert, integer, property, uint8Array } from "fast-check";
import { NemeanError } from "../errors.ts";
import { CaptureReader, readCapture } from "./reader.ts";
import { collect, MemorySource } from "./test-kit.ts";
import { PcapngBlocks, resolution } from "./testing/pcapng-blocks.ts";
import { CaptureWriter } from "./testing/writer.ts";

const packet = (size: number): Uint8Array => new Uint8Array(size).map((_, index) => index * 7);

function classic(count: number): Uint8Array {
  const writer = new CaptureWriter();
  for (let index = 0; index < count; index++) writer.append(1e15 + index, packet(index % 90));
  return writer.bytes();
}

function pcapng(count: number): Uint8Array {
  const blocks = new PcapngBlocks().section().interface();
  blocks.interface({ linkType: 101, options: [resolution(9)] });
  for (let index = 0; index < count; index++) {
    const time = BigInt(index) * 10n ** 9n;
    blocks.packet({ bytes: packet(index % 90), time, interface: (index >> 3) & 1 });
    if (index % 50 === 0) blocks.block(5, new DataView(new ArrayBuffer(index)));
    if (index === count >> 1) blocks.section({ little: false }).interface().interface();
  }
  return blocks.bytes();
}

const captures = { classic: classic(40), pcapng: pcapng(40) } as const;
/** Bytes that must be there and right for the file to be taken for a capture. */
const headerSize = { classic: 24, pcapng: 24 } as const;

for (const format of ["classic", "pcapng"] as const) {
  describe(`CaptureReader, ${format}`, () => {
    const bytes = captures[format];
    const whole = collect(bytes);

    test("CaptureReader gives the same frames for pieces of any size", () => {
      expect(whole.frames.length).toBe(40);
      for (const piece of [1, 2, 3, 4, 5, 7, 11, 16, 23, 24, 25, 28, 64, 97, 1000]) {
        const { frames, summary, warnings } = collect(new MemorySource(bytes, piece));
        expect(frames).toEqual(whole.frames);
        expect(summary).toEqual(whole.summary);
        expect(warnings).toEqual([]);
      }
    });

    test("CaptureReader reads a file cut at any byte to its last whole packet", () => {
      for (let size = headerSize[format]; size < bytes.length; size++) {
        const { frames, summary, warnings } = collect(bytes.subarray(0, size));
        expect(frames).toEqual(whole.frames.slice(0, frames.length));
        const left = size - summary.offset;
        expect(warnings.length).toBe(left > 0 ? 1 : 0);
        if (left === 0) continue;
        expect(warnings[0]).toStartWith(
          `test.pcap: truncated in the record at byte ${summary.offset}: ${left} `,
        );
        expect(warnings[0]).toEndWith(`packets kept: ${frames.length}`);
      }
    });

    test("CaptureReader never throws for what follows the header", () => {
      const head = bytes.subarray(0, headerSize[format]);
      const noise = uint8Array({ maxLength: 300 });
      assert(
        property(noise, (tail) => {
          const { summary } = collect(Buffer.concat([head, tail]));
          expect(summary.offset).toBeLessThanOrEqual(head.length + tail.length);
        }),
        { seed: 3, numRuns: 300 },
      );
    });

    test("CaptureReader never throws for bytes that were overwritten", () => {
      const at = integer({ min: headerSize[format], max: bytes.length - 8 });
      assert(
        property(at, uint8Array({ minLength: 1, maxLength: 8 }), (position, change) => {
          const damaged = Uint8Array.from(bytes);
          damaged.set(change, position);
          const { frames, summary } = collect(damaged);
          expect(summary.packets).toBe(frames.length);
          for (const frame of frames)
            expect(frame.hex.length).toBeLessThanOrEqual(2 * bytes.length);
        }),
        { seed: 4, numRuns: 300 },
      );
    });

    test("CaptureReader gives the same frames of a packed capture", () => {
      for (const packed of [gzipSync(bytes), zstdCompressSync(bytes)]) {
        for (const piece of [1, 5, packed.length]) {
          const { frames, summary, warnings } = collect(new MemorySource(packed, piece));
          expect(frames).toEqual(whole.frames);
          expect(summary).toEqual({ ...whole.summary, bytesRead: packed.length });
          expect(warnings).toEqual([]);
        }
      }
    });

    test("CaptureReader gives the same frames of a capture of many buffers", () => {
      const large = format === "classic" ? classic(20_000) : pcapng(20_000);
      const { frames, summary, batches } = collect(large);
      expect(large.length).toBeGreaterThan(1 << 20);
      expect(frames.length).toBe(20_000);
      expect(batches.reduce((sum, count) => sum + count)).toBe(20_000);
      expect(summary.bytes).toBe(frames.reduce((sum, frame) => sum + frame.hex.length / 2, 0));
      expect(collect(new MemorySource(large, 65_536)).frames).toEqual(frames);
    });
  });
}

test("CaptureReader warns of packed data that is cut", () => {
  const packed = gzipSync(classic(5000));
  const { frames, warnings } = collect(packed.subarray(0, -20));
  expect(frames.length).toBeGreaterThan(1000);
  expect(warnings.length).toBe(1);
  expect(warnings[0]).toContain("gzip: the packed data is truncated");
});

test("CaptureReader warns of a source that fails and keeps what it gave", () => {
  const { frames, warnings } = collect(new MemorySource(captures.classic, 50, "the disk failed"));
  expect(frames.length).toBe(40);
  expect(warnings[0]).toBe(
    `test.pcap: ends at byte ${captures.classic.length}: the disk failed; packets kept: 40`,
  );
});

test("CaptureReader hands on chunks one by one, and stops where it is closed", () => {
  let packets = 0;
  const source = new MemorySource(captures.classic, 100);
  const reader = CaptureReader.open(source, (frames) => {
    packets += frames.count;
  });
  expect(reader.readChunk()).toBe(true);
  expect(packets).toBeGreaterThan(0);
  expect(packets).toBe(reader.summary.packets);
  const before = packets;
  reader.close();
  expect(reader.readChunk()).toBe(false);
  expect(packets).toBe(before);
  expect(source.closed).toBeGreaterThan(0);
});

/** The error that opening `bytes`, or a path, throws. */
function refusal(input: Uint8Array | string): NemeanError {
  try {
    readCapture(typeof input === "string" ? input : new MemorySource(input), () => {}, {
      name: "in",
    });
  } catch (error) {
    if (error instanceof NemeanError) return error;
    throw error;
  }
  throw new Error("it was taken for a capture");
}

for (const [what, bytes, reason] of [
  ["an empty file", Buffer.alloc(0), "it is empty"],
  ["three bytes", Buffer.of(0xd4, 0xc3, 0xb2), "it starts with d4 c3 b2"],
  ["text", Buffer.from("Hello, world"), "it starts with 48 65 6c 6c 6f 2c 20 77"],
  ["half a header", classic(1).subarray(0, 12), "its header of 24 bytes ends after 12"],
  [
    "half a section",
    pcapng(1).subarray(0, 20),
    "its first block of at least 28 bytes ends after 20",
  ],
  [
    "xz",
    Buffer.from("fd377a585a00", "hex"),
    "it starts with fd 37 7a 58 5a 00: packed by xz, unpack it first",
  ],
  ["packed text", gzipSync("Hello"), "it starts with 48 65 6c 6c 6f"],
  [
    "half a gzip header",
    Buffer.of(0x1f, 0x8b, 8, 0),
    "it is empty; gzip: the packed data is truncated",
  ],
] as const) {
  test(`CaptureReader refuses ${what}`, () => {
    const error = refusal(bytes);
    expect(error.message).toBe(`in: not a capture file (${reason})`);
    expect([error.code, error.exitCode]).toEqual(["ERR_CAPTURE_FORMAT", 65]);
  });
}

describe("CaptureReader, from the file system", () => {
  const folder = mkdtempSync(join(tmpdir(), "nemean-reader-"));
  const path = join(folder, "a.pcap");
  writeFileSync(path, captures.classic);

  test("CaptureReader reads a path", () => {
    expect(readCapture(path, () => {}).packets).toBe(40);
  });

  test("CaptureReader leaves no descriptor open", () => {
    writeFileSync(join(folder, "text"), "no capture");
    const next = (): number => {
      const fd = openSync(path, "r");
      closeSync(fd);
      return fd;
    };
    const before = next();
    for (let index = 0; index < 5; index++) {
      readCapture(path, () => {});
      refusal(join(folder, "text"));
    }
    expect(next()).toBe(before);
  });

  test("CaptureReader tells why a file cannot be read", () => {
    const missing = refusal(join(folder, "missing"));
    expect(missing.message).toBe(
      `${join(folder, "missing")}: cannot be read: there is no such file`,
    );
    expect([missing.code, missing.exitCode]).toEqual(["ERR_INPUT", 66]);
    expect(refusal(folder).message).toBe(`${folder}: cannot be read: it is a directory`);
  });

  test.skipIf(process.getuid?.() === 0)(
    "CaptureReader tells of a missing permission (skipped as root)",
    () => {
      const secret = join(folder, "secret");
      writeFileSync(secret, captures.classic);
      chmodSync(secret, 0);
      expect(refusal(secret).message).toEndWith("permission denied");
    },
  );

  test("CaptureReader reads standard input from a pipe that stalls", async () => {
    const script = `import { readCapture } from ${JSON.stringify(join(import.meta.dir, "reader.ts"))};
      process.stdout.write(JSON.stringify(readCapture("-", () => {})));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" });
    for (const part of [captures.pcapng.subarray(0, 30), captures.pcapng.subarray(30)]) {
      child.stdin.write(part);
      await child.stdin.flush();
      await Bun.sleep(20);
    }
    await child.stdin.end();
    const summary: unknown = JSON.parse(await new Response(child.stdout).text());
    expect(summary).toMatchObject({ packets: 40, warnings: 0 });
    rmSync(folder, { recursive: true });
  });
});
