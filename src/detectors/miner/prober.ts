// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { isWithin, type Prefix, parsePrefixes } from "./address-list.ts";
import type { Setup } from "./fields.ts";
import { StratumProbe } from "./stratum-probe.ts";

/** Servers asked at once, and those whose answer is remembered. */
const AT_ONCE = 4;
const ASKED_MAX = 4096;
/** How long an answer holds, and how long a dialect waits for one: event time. */
const HOLDS = 86_400 * SECOND;
const PATIENCE = 10 * SECOND;
const MINUTE = 60 * SECOND;

export type Finding = (pool: Ip, port: number, isPool: boolean) => void;

interface Running {
  readonly ip: Address;
  readonly port: number;
  readonly probe: StratumProbe;
  /** Event time at which its present dialect is given up. */
  until: number;
}

/** Asks suspected pools, where the operator allows it: a few at once, a few a minute, each once a day, never waiting. */
export class Prober {
  readonly #allowed: readonly Prefix[];
  readonly #perMinute: number;
  readonly #count: Setup["count"];
  readonly #found: Finding;
  readonly #asked;
  readonly #isPool;
  #running: Running[] = [];
  #minute = 0;
  #begun = 0;

  /** Throws ERR_PARAM when nothing is allowed. */
  constructor({ params, state, count }: Setup, found: Finding) {
    this.#allowed = parsePrefixes("probeOnly", params.probeOnly);
    if (this.#allowed.length === 0)
      throw paramError(
        "probe: no address may be asked; list them in probeOnly (such as 10.0.0.0/8)",
      );
    this.#perMinute = params.probesPerMinute;
    this.#count = count;
    this.#found = found;
    this.#isPool = state.column("asked.isPool", "uint8", ASKED_MAX);
    this.#asked = state.table("asked", { key: ["ip", "number"], rows: ASKED_MAX, idle: HOLDS });
  }

  /** Ask a server, or say again what it answered. */
  want(ip: Ip, port: number, now: number): void {
    if (!isWithin(ip, this.#allowed)) return;
    const row = this.#asked.findIpNumber(ip, port);
    if (row >= 0 && now - this.#asked.touched(row) <= HOLDS) {
      this.#found(ip, port, this.#isPool[row] === 1);
      return;
    }
    const address = Address.of(ip);
    const host = String(address);
    if (this.#running.some(({ probe }) => probe.host === host && probe.port === port)) return;
    const minute = Math.floor(now / MINUTE);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#begun = 0;
    }
    if (this.#running.length === AT_ONCE || this.#begun === this.#perMinute) {
      this.#count("probes_put_off");
      return;
    }
    this.#begun++;
    this.#count("probes");
    const probe = new StratumProbe(host, port);
    this.#running.push({ ip: address, port, probe, until: now + PATIENCE });
  }

  /** Take what has come since. */
  poll(now: number): void {
    this.#running = this.#running.filter((running) => this.#step(running, now));
  }

  /** Whether it still runs. */
  #step(running: Running, now: number): boolean {
    const { ip, port, probe } = running;
    if (now >= running.until) {
      probe.skip();
      running.until = now + PATIENCE;
    }
    const verdict = probe.step();
    if (verdict === "pending") return true;
    probe.close();
    this.#isPool[this.#asked.upsertIpNumber(ip, port, now)] = verdict === "pool" ? 1 : 0;
    this.#found(ip, port, verdict === "pool");
    return false;
  }

  close(): void {
    for (const { probe } of this.#running) probe.close();
    this.#running = [];
  }
}
