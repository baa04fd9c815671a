// SPDX-License-Identifier: BSD-3-Clause
/** An exporter of NetFlow v9: `send.ts PORT DATAGRAMS RATE`, a hundred datagrams a system call. Says how many it has sent. */
import { dlopen, ptr } from "bun:ffi";
import { errno, libc } from "../../src/core/net/libc.ts";
import { connectDatagram, resolve } from "../../src/core/net/sockets.ts";
import { RECORDS, Stream } from "./stream.ts";

const { sendmmsg } = dlopen("libc.so.6", {
  sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
}).symbols;
const SLOTS = 64;
const HEADER_BYTES = 64;
/** EAGAIN and ENOBUFS: the kernel's own queue is full. */
const FULL: readonly number[] = [11, 105];
/** Datagrams between two announcements of the template. */
const ANNOUNCE = 4096;

const [port = "", count = "", rate = ""] = process.argv.slice(2);
const total = Number(count);
const perMillisecond = Number(rate) / 1000;
const fd = connectDatagram(resolve("127.0.0.1", port)[0]!);
const streams = Array.from({ length: SLOTS }, (_, i) => new Stream(i));
const headers = new DataView(new ArrayBuffer(SLOTS * HEADER_BYTES));
const iovecs = new DataView(new ArrayBuffer(SLOTS * 16));
const headersAt = new Uint8Array(headers.buffer);
for (const [i, { data }] of streams.entries()) {
  iovecs.setBigUint64(i * 16, BigInt(ptr(data)), true);
  iovecs.setBigUint64(i * 16 + 8, BigInt(data.byteLength), true);
  headers.setBigUint64(i * HEADER_BYTES + 16, BigInt(ptr(iovecs) + i * 16), true);
  headers.setBigUint64(i * HEADER_BYTES + 24, 1n, true);
}

let sequence = 0;
const announce = (): void => {
  const bytes = streams[0]!.announcement(sequence++);
  while (Number(libc().send(fd, bytes, bytes.byteLength, 0)) < 0) Bun.sleepSync(1);
};
const began = performance.now();
let sent = 0;
let announced = Number.NEGATIVE_INFINITY;
let announcements = 0;
while (sent < total) {
  if (sent - announced >= ANNOUNCE) {
    announce();
    announcements++;
    announced = sent;
  }
  const due = Math.min(total, Math.floor((performance.now() - began) * perMillisecond));
  const n = Math.min(SLOTS, due - sent);
  if (n <= 0) {
    Bun.sleepSync(1);
    continue;
  }
  for (let i = 0; i < n; i++) streams[i]!.stamp(sequence + i);
  const went = sendmmsg(fd, headersAt, n, 0);
  if (went < 0 && !FULL.includes(errno())) throw new Error(`sendmmsg: ${errno()}`);
  if (went < 0) Bun.sleepSync(1);
  else {
    sent += went;
    sequence += went;
  }
}
const seconds = (performance.now() - began) / 1000;
process.stdout.write(
  `${JSON.stringify({ datagrams: sent, announcements, records: sent * RECORDS, seconds })}\n`,
);
