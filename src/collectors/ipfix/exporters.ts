// SPDX-License-Identifier: BSD-3-Clause
import type { Exporter } from "../../core/ipfix/collect/message-head.ts";
import { Address } from "../../core/unirec/ip.ts";

const AF_INET = 2;
/** Addresses that are remembered: whoever forges more makes us forget names, and no templates. */
const REMEMBERED_MAX = 65_536;
/** The third word of `::ffff:0:0`, as an IPv4 sender has it who comes to a socket for both families. */
const MAPPED = 0xffff_0000 | 0;

/** Exporters by their addresses, as the kernel has these: the same object for each. */
export class Exporters {
  readonly #v4 = new Map<number, Exporter>();
  readonly #v6 = new Map<string, Exporter>();

  /** Whose address the `sockaddr` at `at` is. */
  ofSocket(view: DataView, at: number): Exporter {
    const isV4 = view.getUint16(at, true) === AF_INET;
    return isV4 ? this.ofV4(view, at + 4) : this.ofV6(view, at + 8);
  }

  /** Whose the 4 bytes of an IPv4 address at `at` are. */
  ofV4(view: DataView, at: number): Exporter {
    const address = view.getUint32(at);
    return this.#v4.get(address) ?? add(this.#v4, address, new Address().setV4(address));
  }

  /** Whose the 16 bytes of an IPv6 address at `at` are. */
  ofV6(view: DataView, at: number): Exporter {
    const [w0, w1, w2, w3] = [0, 4, 8, 12].map((k) => view.getInt32(at + k, true)) as Words;
    if (w0 === 0 && w1 === 0 && w2 === MAPPED) return this.ofV4(view, at + 12);
    const key = `${w0} ${w1} ${w2} ${w3}`;
    return this.#v6.get(key) ?? add(this.#v6, key, new Address().set({ w0, w1, w2, w3 }));
  }
}

type Words = [number, number, number, number];

function add<K>(map: Map<K, Exporter>, key: K, ip: Address): Exporter {
  if (map.size >= REMEMBERED_MAX) map.clear();
  const exporter = { name: ip.toString(), ip };
  map.set(key, exporter);
  return exporter;
}
