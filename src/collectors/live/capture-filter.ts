// SPDX-License-Identifier: BSD-3-Clause
import { compileFilter, openLive, PcapError } from "@bun/ffi-libpcap-bindings";
import { EXIT, NemeanError, usageError } from "../../core/errors.ts";

/** More than any frame has; what "all bytes" is to a filter. */
export const SNAPLEN_MAX = 262_144;

/** struct bpf_insn `ret #bytes`: pass this much of every frame. */
export function passBytes(bytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 0x06, true);
  view.setUint32(4, bytes, true);
  return new Uint8Array(view.buffer);
}

/** Drops every frame. */
export const passNothing = (): Uint8Array => passBytes(0);

const NAMES_VLAN = /\bvlan\b/;

/**
 * BPF instructions for the kernel: the filter's, or ones that only cut frames, or none where there is nothing to do.
 *
 * @param dlt libpcap's number of the link type
 * @throws {NemeanError} ERR_USAGE with libpcap's text when the filter does not compile; ERR_LIBRARY without libpcap
 */
export function captureFilter(
  device: string,
  dlt: number,
  filter: string | undefined,
  snaplen: number,
): Uint8Array | undefined {
  if (filter === undefined) return snaplen < SNAPLEN_MAX ? passBytes(snaplen) : undefined;
  try {
    // The kernel has taken the tag out of the frame: only for an open device does libpcap ask for it there.
    if (NAMES_VLAN.test(filter)) return compileOn(device, filter, snaplen);
    using program = compileFilter(filter, dlt, snaplen);
    return program.instructions;
  } catch (error) {
    throw filterError(error, filter);
  }
}

function compileOn(device: string, filter: string, snaplen: number): Uint8Array {
  using pcap = openLive(device, { snaplen });
  using program = pcap.compile(filter);
  return program.instructions;
}

/** What libpcap says of a filter, as the operator's error. */
export function filterError(error: unknown, filter: string): unknown {
  if (!(error instanceof PcapError)) return error;
  if (error.code === "ERR_PCAP_FILTER") return usageError(`--filter: ${error.message}`);
  if (error.code === "ERR_PCAP_LIBRARY")
    return new NemeanError("ERR_LIBRARY", EXIT.os, `--filter: ${error.message}`, error);
  return new NemeanError("ERR_CAPTURE", EXIT.os, `--filter: "${filter}": ${error.message}`, error);
}
