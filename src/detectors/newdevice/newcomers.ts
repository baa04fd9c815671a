// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { hashWord, ipHash } from "../../core/state/hyper-log-log.ts";
import { SEEN, Seen } from "../../core/state/seen.ts";
import type { Networks } from "../../core/threat-list/networks.ts";
import { Address, macText } from "../../core/unirec/ip.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { IpField } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown, TCP, UDP } from "./fields.ts";
import type { Learning } from "./learning.ts";

/** What is remembered for a month or two: 131,072 devices and twice as many services in a span. */
const SPAN = 30 * 86_400 * SECOND;
const DEVICES = { words: 1 << 16, span: SPAN };
const SERVICES = { words: 1 << 17, span: SPAN };
const SYN = 0x02;
/** UDP ports above are taken by programs for a while: calls, games. */
const UDP_PORT_MAX = 1023;
/** From here on ports count by 1,024 of them: servers of files and calls take another one for each client. */
const DYNAMIC = 10_240;
/** Bits of a MAC address's first byte. */
const GROUP = 1;
const LOCAL = 2;
/** One flow each: the one that showed it. */
const EVIDENCE_SLOTS = 4;
/** Beginnings of hashes, so that a MAC address never is an IPv4 address. */
const SEED = { mac: 1, v4: 2, v6: 3 } as const;

/** Devices and services that were not there in the time to learn. */
export class Newcomers {
  readonly #isByMac: boolean;
  readonly #portMax: number;
  readonly #out: Setup["out"];
  readonly #learning: Learning;
  readonly #networks: Networks;
  readonly #devices: Seen;
  readonly #services: Seen;
  readonly #evidence: Evidence;
  /** Where the records have the MAC address of the source; -1 without one. */
  #mac = -1;
  /** Where they have the seconds of the flow's end: the whole time takes longer to read than all else. */
  #seconds = 0;
  #latest = 0;
  /** Flows of the latest second. */
  readonly #looked: Uint32Array;
  readonly #flowsMax: number;

  constructor({ params, out, state }: Setup, learning: Learning, networks: Networks) {
    this.#isByMac = params.identity === "mac";
    this.#portMax = params.portMax;
    this.#flowsMax = params.flowsMax;
    this.#looked = state.column("looked", "uint32", 1);
    this.#out = out;
    this.#learning = learning;
    this.#networks = networks;
    this.#devices = new Seen("devices", DEVICES, state);
    this.#services = new Seen("services", SERVICES, state);
    this.#evidence = state.evidence("news", EVIDENCE_SLOTS, shown);
  }

  negotiate(layout: Template): void {
    const field = fieldOf(layout, "SRC_MAC");
    const isUsed = this.#isByMac && field?.type === "macaddr";
    this.#mac = isUsed ? field.offset : -1;
    this.#seconds = fieldOf(layout, "TIME_LAST")!.offset + 4;
  }

  /** Most flows are of a known device and of no new service: that is two looks at memory. */
  look(flow: Flow, cursor: AnyReader): void {
    const second = cursor.view.getUint32(cursor.at + this.#seconds, true);
    if (second > this.#latest) {
      this.#latest = second;
      this.#pass(second);
    }
    // Whoever is there has flows in many seconds: each look costs two of memory that is far away.
    if (++this.#looked[0]! > this.#flowsMax) return;
    const device = this.#device(flow, cursor);
    if (device !== 0 && !this.#devices.has(device)) this.#meetDevice(flow, device);
    if (!this.#isAnswered(flow)) return;
    const { PROTOCOL, DST_PORT } = flow;
    const port = DST_PORT < DYNAMIC ? DST_PORT : (DST_PORT | 1023) + 1;
    const service = hashWord(hostHash(flow.DST_IP), (PROTOCOL << 17) | port);
    if (!this.#services.has(service)) this.#meetService(flow, service);
  }

  #pass(second: number): void {
    this.#looked[0] = 0;
    this.#learning.pass(second);
    this.#devices.turn(second * SECOND);
    this.#services.turn(second * SECOND);
  }

  /** A hash of the flow's source; 0 where it is no device of ours, or cannot be told. */
  #device(flow: Flow, { view, at }: AnyReader): number {
    if (this.#mac >= 0) {
      const low = view.getInt32(at + this.#mac, true);
      const high = view.getUint16(at + this.#mac + 4, true);
      // The first byte stands first.
      if ((low | high) !== 0)
        return (low & GROUP) === 0 ? hashWord(hashWord(SEED.mac, low), high) || 1 : 0;
    }
    const { SRC_IP } = flow;
    // Hosts change their IPv6 addresses every day.
    return SRC_IP.isV4 && this.#networks.has(SRC_IP) ? hostHash(SRC_IP) : 0;
  }

  /** Whether a host of ours has answered at a port at which services are. */
  #isAnswered(flow: Flow): boolean {
    const { PROTOCOL, DST_PORT } = flow;
    if (PROTOCOL === TCP) {
      if ((flow.TCP_FLAGS_REV & SYN) === 0 || DST_PORT > this.#portMax) return false;
    } else if (PROTOCOL !== UDP || DST_PORT > UDP_PORT_MAX || flow.PACKETS_REV === 0) return false;
    return DST_PORT !== 0 && this.#networks.has(flow.DST_IP);
  }

  #meetDevice(flow: Flow, hash: number): void {
    const { things } = this.#devices;
    if (this.#devices.add(hash) !== SEEN.never || this.#learning.isOn) return;
    if (!this.#learning.mayTell()) return;
    const mac = this.#mac >= 0 ? flow.SRC_MAC : 0;
    const name = mac === 0 ? String(flow.SRC_IP) : macText(mac);
    const made = isMadeUp(mac) ? ", which is made up and not its maker's," : "";
    this.#tell(flow, {
      rule: "device",
      key: `device ${name}`,
      reason: `${mac === 0 ? `${name} is` : `${name}${made} at ${flow.SRC_IP} is`} a new device: about ${things} were known (limit 1 new one)`,
      observed: 1,
      threshold: 1,
      baseline: things,
      source: { ip: String(flow.SRC_IP) },
      target: {},
    });
  }

  #meetService(flow: Flow, hash: number): void {
    const { DST_PORT } = flow;
    if (this.#services.add(hash) !== SEEN.never || this.#learning.isOn) return;
    if (!this.#learning.mayTell()) return;
    const host = String(flow.DST_IP);
    const protocol = flow.PROTOCOL === TCP ? "TCP" : "UDP";
    this.#tell(flow, {
      rule: "service",
      key: `service ${host} ${protocol} ${DST_PORT}`,
      reason: `${host} answers at ${protocol} port ${DST_PORT}, to ${flow.SRC_IP}, which it did not before (limit 1 new service)`,
      observed: 1,
      threshold: 1,
      source: { ip: host, port: DST_PORT },
      target: { ip: String(flow.SRC_IP) },
    });
  }

  /** An event that is over as it comes: from now on the thing is known. */
  #tell(flow: Flow, detail: AlertDetail): void {
    const slot = this.#evidence.take(0);
    this.#evidence.keep(slot, 0, flow as never);
    const isService = detail.rule === "service";
    this.#out.alerts.send(
      {
        SRC_IP: Address.of(isService ? flow.DST_IP : flow.SRC_IP),
        DST_IP: Address.of(isService ? flow.SRC_IP : flow.DST_IP),
        DST_PORT: flow.DST_PORT,
        PROTOCOL: flow.PROTOCOL,
        SRC_MAC: isService ? flow.DST_MAC : flow.SRC_MAC,
        TIME_FIRST: flow.TIME_FIRST,
        TIME_LAST: flow.TIME_LAST,
      },
      { ...detail, closed: true, evidence: this.#evidence.flows(slot, 0) },
    );
  }
}

/** IPv4 addresses never collide: of most flows one word says all. */
export const hostHash = (ip: IpField): number =>
  ip.isV4 ? hashWord(SEED.v4, ip.w2) || 1 : hashWord(SEED.v6, ipHash(ip)) || 1;

/** Whether a MAC address is of the kind that systems invent, for privacy or for virtual machines. */
const isMadeUp = (mac: number): boolean => (Math.floor(mac / 2 ** 40) & LOCAL) !== 0;
