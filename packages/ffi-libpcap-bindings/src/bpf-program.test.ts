// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { udpFrame } from "../fixtures/capture-file.ts";
import { describeWithLibpcap } from "../fixtures/requirements.ts";
import { compileFilter } from "./bpf-program.ts";

describeWithLibpcap("BpfProgram", () => {
  test("instructions are struct bpf_insn, ready for SO_ATTACH_FILTER", () => {
    using program = compileFilter("", 1, 96);
    expect(program.instructionCount).toBe(1);
    // BPF_RET | BPF_K: keep snaplen bytes of every packet.
    expect([...new Uint32Array(program.instructions.buffer)]).toEqual([0x06, 96]);
    using dns = compileFilter("udp port 53");
    expect(dns.instructions.length).toBe(dns.instructionCount * 8);
  });

  test("instructions are a copy that outlives the program", () => {
    const program = compileFilter("tcp");
    const copy = program.instructions;
    const again = program.instructions;
    copy.fill(0xff);
    expect(program.matches(udpFrame(1, 2))).toBe(false);
    program.close();
    expect(again.length).toBeGreaterThan(0);
  });

  test("matches agrees with a reading of the ports by hand", () => {
    using program = compileFilter("udp dst port 53");
    const offsets = fc.integer({ min: 0, max: 100 });
    const ports = fc.oneof(fc.constant(53), fc.integer({ min: 0, max: 65535 }));
    fc.assert(
      fc.property(offsets, ports, ports, (offset, source, destination) => {
        const frame = udpFrame(source, destination);
        const bytes = new Uint8Array(offset + frame.length + 5);
        bytes.set(frame, offset);
        expect(program.matches(bytes, offset, frame.length)).toBe(destination === 53);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("matches sees no byte beyond captured, and the length it is told", () => {
    using dns = compileFilter("udp dst port 53");
    expect(dns.matches(udpFrame(1, 53), 0, 38)).toBe(true);
    expect(dns.matches(udpFrame(1, 53), 0, 37)).toBe(false);
    using large = compileFilter("greater 1000");
    expect(large.matches(udpFrame(1, 53))).toBe(false);
    expect(large.matches(udpFrame(1, 53), 0, 62, 1500)).toBe(true);
    expect(large.matches(new Uint8Array(0), 0, 0, 1500)).toBe(true);
  });

  test("matches throws for a packet that does not lie inside the bytes", () => {
    using program = compileFilter("udp");
    const frame = udpFrame(1, 53);
    const outside = expect.objectContaining({ code: "ERR_PCAP_ARGUMENT" });
    expect(() => program.matches(frame, 1, frame.length)).toThrow(outside);
    expect(() => program.matches(frame, -1, 10)).toThrow(outside);
    expect(() => program.matches(frame, 0, -1)).toThrow(outside);
    expect(() => program.matches(frame, Number.NaN, 10)).toThrow(outside);
    expect(() => program.matches(frame, 100)).toThrow(outside);
  });

  test("matches throws for bytes whose buffer was transferred away", () => {
    using program = compileFilter("udp");
    const frame = udpFrame(1, 53);
    expect(program.matches(frame, 0, 62)).toBe(true);
    structuredClone(frame.buffer, { transfer: [frame.buffer as ArrayBuffer] });
    expect(() => program.matches(frame, 0, 62)).toThrow("do not lie inside 0");
  });

  test("matches finds a small array that Bun has moved", () => {
    using program = compileFilter("udp dst port 53");
    const bytes = new Uint8Array(62);
    expect(program.matches(bytes)).toBe(false);
    // Asking for the buffer of an array that had none moves its bytes.
    expect(bytes.buffer.byteLength).toBe(62);
    bytes.set(udpFrame(1, 53));
    expect(program.matches(bytes)).toBe(true);
  });

  test("compileFilter reports libpcap's text and rejects what C would misread", () => {
    const filter = expect.objectContaining({ code: "ERR_PCAP_FILTER" });
    expect(() => compileFilter("tcp and and")).toThrow(filter);
    expect(() => compileFilter("tcp and and")).toThrow("syntax error");
    expect(() => compileFilter("host no.such.name.invalid")).toThrow(filter);
    expect(() => compileFilter("tcp\0")).toThrow("NUL");
    expect(() => compileFilter("tcp", -1)).toThrow("linkType: expected an integer");
  });

  test("a closed program throws, and a second close does nothing", () => {
    const program = compileFilter("tcp");
    program.close();
    program.close();
    const closed = expect.objectContaining({ code: "ERR_PCAP_CLOSED" });
    expect(() => program.matches(udpFrame(1, 2))).toThrow(closed);
    expect(() => program.instructions).toThrow(closed);
    expect(() => program.instructionCount).toThrow(closed);
  });
});
