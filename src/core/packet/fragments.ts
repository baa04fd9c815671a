// SPDX-License-Identifier: BSD-3-Clause

/** Datagrams whose ports are remembered at once; the slot of a newer one is reused. */
const SLOTS = 1 << 14;
/** Words of a slot: hash of the key, a second hash, ports, protocol. */
const WORDS = 4;
/** Microseconds of capture time for which a first fragment's ports are given to the later ones. */
const LIFETIME = 30_000_000;

/**
 * Ports of fragmented datagrams: only the first fragment has them, all of them belong to its flow.
 *
 * Keyed by addresses and identification, in IPv4 the protocol too (RFC 791, RFC 8200 4.5), in a direct-mapped
 * table whose collisions overwrite: a fragment without known ports becomes a flow without ports and is counted.
 */
export class FragmentPorts {
  /** Fragments seen, and later fragments whose first one was not. */
  fragments = 0;
  unmatched = 0;
  /**
   * Protocol of the datagram that was asked for last. In IPv6 a later fragment names the first header behind its
   * fragment header, which may be one more extension header: what comes after it is in the first fragment.
   */
  protocol = 0;
  readonly #slots = new Int32Array(SLOTS * WORDS);
  readonly #time = new Float64Array(SLOTS);

  /**
   * Ports (source in the upper half) of the fragment at `ip`. `end` is where the captured packet ends when it
   * is a first fragment, which then is remembered; -1 for a later one.
   */
  ports(
    view: DataView,
    ip: number,
    transport: number,
    end: number,
    protocol: number,
    time: number,
    v6: boolean,
  ): number {
    this.fragments++;
    const length = v6 ? 32 : 8;
    const addresses = v6 ? ip + 8 : ip + 12;
    let hash = v6 ? identification(view, ip, view.byteLength) : view.getUint16(ip + 4);
    let check = hash ^ 0x5bd1e995;
    if (!v6) hash ^= protocol << 24;
    for (let at = addresses; at < addresses + length; at += 4) {
      const word = view.getInt32(at, true);
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
      check = Math.imul(check + word, 0x85ebca6b) ^ (check >>> 13);
    }
    const slot = hash & (SLOTS - 1);
    const z = slot * WORDS;
    const slots = this.#slots;
    this.protocol = protocol;
    if (end >= 0) {
      const ports = transport + 4 <= end && hasPorts(protocol) ? view.getInt32(transport) : 0;
      slots[z] = hash;
      slots[z + 1] = check;
      slots[z + 2] = ports;
      slots[z + 3] = protocol;
      this.#time[slot] = time;
      return ports;
    }
    if (
      slots[z] === hash &&
      slots[z + 1] === check &&
      Math.abs(time - this.#time[slot]!) < LIFETIME
    ) {
      this.protocol = slots[z + 3]!;
      return slots[z + 2]!;
    }
    this.unmatched++;
    return 0;
  }
}

const hasPorts = (protocol: number): boolean =>
  protocol === 6 || protocol === 17 || protocol === 33 || protocol === 132 || protocol === 136;

/** The identification of an IPv6 packet's fragment header, which the caller has seen to be there. */
function identification(view: DataView, ip: number, limit: number): number {
  let next = view.getUint8(ip + 6);
  let at = ip + 40;
  for (let headers = 0; headers < 12 && at + 8 <= limit; headers++) {
    if (next === 44) return view.getInt32(at + 4);
    const size = next === 51 ? (view.getUint8(at + 1) + 2) << 2 : (view.getUint8(at + 1) + 1) << 3;
    next = view.getUint8(at);
    at += size;
  }
  return 0;
}
