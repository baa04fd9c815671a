// SPDX-License-Identifier: BSD-3-Clause

// Pcap and BpfProgram are exported as types: they are made by functions, never by `new`.
// biome-ignore-start lint/performance/noBarrelFile: this is the package's one entry, all of it needed.
export { type BpfProgram, compileFilter } from "./bpf-program.ts";
export { type Device, type DeviceAddress, listDevices } from "./devices.ts";
export { libpcapAvailable, libraryVersion } from "./library.ts";
export { linkTypeName } from "./link-types.ts";
export { type LiveOptions, openDead, openLive, openOffline } from "./open.ts";
export { PacketBatch, type PacketColumns } from "./packet-batch.ts";
export type { Direction, Pcap, PcapOrigin, PcapStats } from "./pcap.ts";
export { PcapError, type PcapErrorCode } from "./pcap-error.ts";
// biome-ignore-end lint/performance/noBarrelFile: end of the entry.
