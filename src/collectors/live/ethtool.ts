// SPDX-License-Identifier: BSD-3-Clause
import { ptr } from "bun:ffi";
import { libc } from "../../core/net/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SIOCETHTOOL = 0x8946n;
/** Commands of linux/ethtool.h. */
const COMMAND = {
  settings: 0x01,
  driver: 0x03,
  ring: 0x10,
  strings: 0x1b,
  stringCounts: 0x37,
  features: 0x3a,
} as const;
/** The set of strings that names the features. */
const FEATURE_NAMES = 4;
const NAME_SIZE = 32;
const FEATURES_MAX = 256;
const SPEED_UNKNOWN = 0xffffffff;

/**
 * Asks a driver what ethtool(8) would ask it. An answer the driver does not give is undefined.
 * Needs no privilege; close it, or hold it with `using`.
 */
export class Ethtool implements Disposable {
  readonly #fd = libc().socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  /** struct ifreq: the name, then the address of the command. */
  readonly #request = new Uint8Array(new ArrayBuffer(40));
  readonly #command = new Uint8Array(new ArrayBuffer(16 + FEATURES_MAX * NAME_SIZE));
  readonly #view = new DataView(this.#command.buffer);

  constructor(name: string) {
    this.#request.set(new TextEncoder().encode(name).subarray(0, 15));
    new DataView(this.#request.buffer).setBigUint64(16, BigInt(ptr(this.#command)), true);
  }

  /** Name of the driver: `virtio_net`, `veth`. */
  driver(): string | undefined {
    // struct ethtool_drvinfo: driver at 4.
    return this.#ask(COMMAND.driver) ? this.#text(4) : undefined;
  }

  /** Megabits a second; undefined also when there is no signal. */
  speed(): number | undefined {
    // struct ethtool_cmd: low half of the speed at 12, high half at 28.
    if (!this.#ask(COMMAND.settings)) return undefined;
    const speed = this.#view.getUint16(12, true) + this.#view.getUint16(28, true) * 65536;
    return speed === SPEED_UNKNOWN || speed === 0xffff ? undefined : speed;
  }

  /** Descriptors of the receive ring, and how many it can have. */
  receiveRing(): { readonly current: number; readonly max: number } | undefined {
    // struct ethtool_ringparam: rx_max_pending at 4, rx_pending at 20.
    if (!this.#ask(COMMAND.ring)) return undefined;
    return { current: this.#view.getUint32(20, true), max: this.#view.getUint32(4, true) };
  }

  /** Every feature the kernel knows, by its name (`rx-gro`), and whether it is on. */
  features(): ReadonlyMap<string, boolean> {
    const names = this.#featureNames();
    const features = new Map<string, boolean>();
    // struct ethtool_gfeatures: blocks of 32 features at 8, each with available, requested, active, never changed.
    if (!this.#ask(COMMAND.features, Math.ceil(names.length / 32))) return features;
    for (const [i, name] of names.entries()) {
      const active = this.#view.getUint32(8 + (i >> 5) * 16 + 8, true);
      if (name !== "") features.set(name, ((active >>> (i & 31)) & 1) === 1);
    }
    return features;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }

  #featureNames(): string[] {
    // struct ethtool_sset_info: 64-bit mask of the sets at 8, a count for each at 16.
    if (!this.#ask(COMMAND.stringCounts, 0, 1 << FEATURE_NAMES)) return [];
    const count = this.#view.getUint32(16, true);
    // struct ethtool_gstrings: set at 4, count at 8, names at 12.
    if (count > FEATURES_MAX || !this.#ask(COMMAND.strings, FEATURE_NAMES, count)) return [];
    return Array.from({ length: count }, (_, i) => this.#text(12 + i * NAME_SIZE));
  }

  /** All commands begin with their number, and two words are enough for the rest of a question. */
  #ask(command: number, second = 0, third = 0): boolean {
    this.#command.fill(0);
    this.#view.setUint32(0, command, true);
    this.#view.setUint32(4, second, true);
    this.#view.setUint32(8, third, true);
    return libc().ioctl(this.#fd, SIOCETHTOOL, this.#request) === 0;
  }

  #text(at: number): string {
    const bytes = this.#command.subarray(at, at + NAME_SIZE);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
}
