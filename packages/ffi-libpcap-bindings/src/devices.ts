// SPDX-License-Identifier: BSD-3-Clause
import { CString, type Pointer, read } from "bun:ffi";
import { errorBuffer, errorText, type Libpcap, libpcap } from "./library.ts";
import { PcapError } from "./pcap-error.ts";

/** An address of a device, in text form: `192.0.2.1` or `2001:db8::1`. */
export interface DeviceAddress {
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
  readonly netmask?: string;
  readonly broadcast?: string;
  /** The other end of a point-to-point link. */
  readonly peer?: string;
}

/** A device that `openLive()` takes. */
export interface Device {
  readonly name: string;
  readonly description?: string;
  readonly addresses: readonly DeviceAddress[];
  readonly up: boolean;
  readonly running: boolean;
  readonly loopback: boolean;
  readonly wireless: boolean;
}

// PCAP_IF_… flags.
const LOOPBACK = 1;
const UP = 2;
const RUNNING = 4;
const WIRELESS = 8;

// Linux: the family's number, and where in its sockaddr the address lies.
const FAMILIES = {
  2: { family: "IPv4", offset: 4 },
  10: { family: "IPv6", offset: 8 },
} as const;

/**
 * Lists the devices libpcap can open here, in its order (the likeliest first).
 * @throws {PcapError} ERR_PCAP_DEVICE with libpcap's text, ERR_PCAP_LIBRARY
 */
export function listDevices(): Device[] {
  const library = libpcap();
  const list = new BigUint64Array(new ArrayBuffer(8));
  if (library.pcap_findalldevs(list, errorBuffer()) !== 0) {
    throw new PcapError("ERR_PCAP_DEVICE", errorText());
  }
  const first = Number(list[0]);
  try {
    return chain(first).map((address) => deviceAt(library, address));
  } finally {
    if (first !== 0) library.pcap_freealldevs(first as Pointer);
  }
}

/** Addresses of a linked list's elements; both lists here keep the next one's address at 0. */
function chain(first: number): Pointer[] {
  const elements: Pointer[] = [];
  for (let at = first; at !== 0; at = read.ptr(at as Pointer, 0)) elements.push(at as Pointer);
  return elements;
}

/** struct pcap_if: next 0, name 8, description 16, addresses 24, flags 32. */
function deviceAt(library: Libpcap, device: Pointer): Device {
  const description = read.ptr(device, 16);
  const flags = read.u32(device, 32);
  return {
    name: textAt(read.ptr(device, 8)),
    ...(description !== 0 && { description: textAt(description) }),
    addresses: chain(read.ptr(device, 24)).flatMap((address) => addressAt(library, address)),
    up: (flags & UP) !== 0,
    running: (flags & RUNNING) !== 0,
    loopback: (flags & LOOPBACK) !== 0,
    wireless: (flags & WIRELESS) !== 0,
  };
}

/** struct pcap_addr: next 0, addr 8, netmask 16, broadaddr 24, dstaddr 32. Link addresses are left out. */
function addressAt(library: Libpcap, element: Pointer): DeviceAddress[] {
  const address = socketAddress(library, read.ptr(element, 8));
  if (address === undefined) return [];
  const netmask = socketAddress(library, read.ptr(element, 16))?.text;
  const broadcast = socketAddress(library, read.ptr(element, 24))?.text;
  const peer = socketAddress(library, read.ptr(element, 32))?.text;
  return [
    {
      family: address.family,
      address: address.text,
      ...(netmask !== undefined && { netmask }),
      ...(broadcast !== undefined && { broadcast }),
      ...(peer !== undefined && { peer }),
    },
  ];
}

function socketAddress(library: Libpcap, at: number) {
  if (at === 0) return undefined;
  const number = read.u16(at as Pointer, 0);
  if (number !== 2 && number !== 10) return undefined;
  const { family, offset } = FAMILIES[number];
  const room = new Uint8Array(new ArrayBuffer(64));
  const text = library.inet_ntop(number, (at + offset) as Pointer, room, room.length);
  return text === null ? undefined : { family, text: String(text) };
}

const textAt = (at: number): string => String(new CString(at as Pointer));
