// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError, usageError } from "../../core/errors.ts";
import { LibpcapSource } from "./libpcap-source.ts";
import { linkTypeOf } from "./link-types.ts";
import { type Link, listLinks } from "./links.ts";
import { RingSource } from "./ring-source.ts";
import type { LiveOptions, LiveSource } from "./source.ts";

export type { Fanout, LiveOptions, LiveSource, LiveState, LiveStats } from "./source.ts";

/** libpcap's name for all interfaces at once. */
const ANY = "any";
const RING_MIN = 1 << 20;
const RING_MAX = 2 ** 31;

/**
 * Capture on a network interface. One that is down is opened too: its frames come once it is up.
 *
 * @throws {NemeanError} ERR_USAGE for an option, ERR_CAPTURE for the interface: exit code 66 when there is none of
 * this name, 77 without permission; ERR_LIBRARY when libpcap is needed and missing
 * @example
 * using source = openLive({ interface: "eth0", filter: "not port 22" });
 * while (running) source.poll(100, meter.frames);
 * source.drain(meter.frames);
 */
export function openLive(options: LiveOptions): LiveSource {
  checkOptions(options);
  const { interface: name, backend = "auto", fanout } = options;
  const onlyLibpcap = process.platform !== "linux";
  const link = name === ANY || onlyLibpcap ? undefined : linkNamed(name);
  const ringKnowsIt = link !== undefined && linkTypeOf(link.hardware) !== undefined;
  if (backend === "ring" && !link)
    throw usageError(`--backend ring: it captures on one interface of Linux, not on "${name}"`);
  if (link && (backend === "ring" || (backend === "auto" && ringKnowsIt)))
    return new RingSource(options, link);
  if (fanout && fanout.workers > 1)
    throw usageError(`--workers: libpcap captures ${name} with one Worker only`);
  return new LibpcapSource(options);
}

function linkNamed(name: string): Link {
  const links = listLinks();
  const link = links.find((candidate) => candidate.name === name);
  if (link) return link;
  const names = links.map((other) => other.name).join(", ");
  throw new NemeanError(
    "ERR_CAPTURE",
    EXIT.noInput,
    `${name}: no such interface; there are ${names}`,
  );
}

function checkOptions({ ringBytes, snaplen, fanout }: LiveOptions): void {
  check("--ring: bytes", ringBytes, RING_MIN, RING_MAX);
  check("--snaplen", snaplen, 1, 262_144);
  check("fanout group", fanout?.group, 0, 0xffff);
}

function check(name: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (value >= min && value <= max && Number.isInteger(value))) return;
  throw usageError(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
}
