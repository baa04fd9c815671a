// SPDX-License-Identifier: BSD-3-Clause
import { Sequences } from "../ipfix/collect/sequences.ts";
import { Address } from "../unirec/ip.ts";
import type { Ip } from "../unirec/types.ts";
import { ADDRESS } from "./structures.ts";

/** Sub-agents, and data sources of them, that are remembered: past it the one that came first is forgotten. */
const AGENTS_MAX = 65_536;
const SOURCES_MAX = 65_536;
/** Milliseconds by which uptime may go back: that far datagrams overtake one another. */
const BACK_MS = 60_000;
const WORD = 4_294_967_296;
/** Runs are told apart by this many numbers: with 32 bits of a source they make a double that is exact. */
const RUNS = 1 << 21;

/** One stream of datagrams: a sub-agent of an agent. */
export interface Agent {
  readonly ip: Ip;
  readonly subAgent: number;
  uptime: number;
  /** Number of its run: another one once it has begun anew. */
  run: number;
  /** What its sequence numbers are followed by. */
  stream: string;
}

const NOBODY: Agent = { ip: new Address(), subAgent: 0, uptime: 0, run: 0, stream: "" };

/** Who sends, what of it was lost on the way, and what agents could not sample. */
export class Agents {
  readonly sequences = new Sequences();
  /** Packets that agents should have sampled and had no room for. */
  dropped = 0;
  readonly #agents = new Map<string, Agent>();
  /** Drops that a data source has told last, by run and source. */
  readonly #drops = new Map<number, number>();
  #runs = 0;
  /** Whose the last datagram was. */
  current: Agent = NOBODY;

  /** A datagram has come, whose agent's address is at 4 and whose sub-agent, sequence number and uptime are at `at`. */
  follow(view: DataView, at: number): void {
    const subAgent = view.getUint32(at);
    const uptime = view.getUint32(at + 8);
    const agent = this.#agentOf(view, subAgent, uptime);
    // Sequence numbers and drops begin anew with uptime, whose 32 bits are over after 49 days.
    if (((uptime - agent.uptime) | 0) < -BACK_MS) {
      this.#begin(agent);
      this.sequences.restarts++;
    }
    agent.uptime = uptime;
    this.sequences.follow(agent.stream, view.getUint32(at + 4), 1);
    this.current = agent;
  }

  #agentOf(view: DataView, subAgent: number, uptime: number): Agent {
    const isV4 = view.getUint32(4) === ADDRESS.ipv4;
    let key = `${subAgent} ${view.getInt32(8)}`;
    if (!isV4) key += ` ${view.getInt32(12)} ${view.getInt32(16)} ${view.getInt32(20)}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const ip = new Address();
    if (isV4) ip.setV4(view.getUint32(8));
    else {
      const [w0, w1, w2, w3] = [8, 12, 16, 20].map((k) => view.getInt32(k, true));
      ip.set({ w0: w0!, w1: w1!, w2: w2!, w3: w3! });
    }
    const agent = { ip, subAgent, uptime, run: 0, stream: "" };
    this.#begin(agent);
    if (this.#agents.size >= AGENTS_MAX) forgetFirst(this.#agents);
    this.#agents.set(key, agent);
    return agent;
  }

  #begin(agent: Agent): void {
    this.#runs = (this.#runs + 1) % RUNS;
    agent.run = this.#runs;
    agent.stream = `sflow ${agent.run}`;
  }

  /** A data source of the current agent tells how many it has dropped in all. What it had when it was first heard of is not ours. */
  drops(source: number, drops: number): void {
    const key = this.current.run * WORD + source;
    const before = this.#drops.get(key);
    const more = before === undefined ? 0 : (drops - before) | 0;
    // One that is less is older.
    if (before !== undefined && more <= 0) return;
    this.dropped += more;
    if (before === undefined && this.#drops.size >= SOURCES_MAX) forgetFirst(this.#drops);
    this.#drops.set(key, drops);
  }
}

const forgetFirst = <K>(map: Map<K, unknown>): unknown => map.delete(map.keys().next().value!);
