// SPDX-License-Identifier: BSD-3-Clause

/** Stable codes: match on these, never on the text. */
export type PcapErrorCode =
  /** The shared library is missing or too old. */
  | "ERR_PCAP_LIBRARY"
  /** An option or argument is out of its range. */
  | "ERR_PCAP_ARGUMENT"
  /** A capture file cannot be opened or is not a capture. */
  | "ERR_PCAP_OPEN"
  /** A device does not exist, is down, or cannot be captured on. */
  | "ERR_PCAP_DEVICE"
  /** The process may not capture on the device. */
  | "ERR_PCAP_PERMISSION"
  /** A filter expression does not compile or cannot be set. */
  | "ERR_PCAP_FILTER"
  /** The next packet cannot be read: a broken file, a device that went away. */
  | "ERR_PCAP_READ"
  /** libpcap refuses the call on this kind of handle, such as statistics of a file. */
  | "ERR_PCAP_OPERATION"
  /** The handle or program was closed. */
  | "ERR_PCAP_CLOSED"
  /** A packet's field was asked for when there is no current packet. */
  | "ERR_PCAP_NO_PACKET";

/** Every error of this package: libpcap's own text, what it happened to, and a stable code. */
export class PcapError extends Error {
  override readonly name = "PcapError";
  readonly code: PcapErrorCode;

  constructor(code: PcapErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Rejects a number that is not an integer of this range, before C sees it. */
export function checkInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new PcapError(
    "ERR_PCAP_ARGUMENT",
    `${name}: expected an integer from ${min} to ${max}, got ${value}`,
  );
}

/** Rejects a text with a NUL in it: C would read another, shorter text than the one given. */
export function checkText(name: string, value: string): void {
  if (!value.includes("\0")) return;
  throw new PcapError("ERR_PCAP_ARGUMENT", `${name}: contains a NUL character`);
}
