// SPDX-License-Identifier: BSD-3-Clause
import { ipHash } from "../../core/state/hyper-log-log.ts";
import type { Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Floods } from "./floods.ts";
import { Gate } from "./gate.ts";
import type { Flow, Setup } from "./index.ts";
import { networkOf } from "./network.ts";
import { HostTraffic, WINDOW_BYTES } from "./traffic.ts";

/** The part of the least rate of a flood that a host has to receive before it is looked at. */
const GATE = 32;

/** Default mode: count what each host receives, and look for floods in what busy ones received. */
export function detect(context: Setup, flows: Template) {
  const { params, state, count } = context;
  const { hostsMax, sourcesGrowth, sourcesMin } = params;
  const targetOf = networkOf(params.targetMask, params.targetMask6);
  const sourceOf = networkOf(params.sourceMask, params.sourceMask6);
  /** Hosts that are in no row have been silent since then: the start, or when the last one that was evicted spoke. */
  const watched = state.column("watched", "float64", 1);
  const hosts = state.table("hosts", {
    key: ["ip"],
    rows: hostsMax,
    idle: Math.max(params.idleTimeout, params.calmTime) * SECOND,
    onLeave(row, why) {
      if (floods.isOpen(row)) floods.end(row);
      if (why === "evicted") watched[0] = Math.max(watched[0]!, hosts.touched(row));
    },
  });
  const limits = {
    least: params.rateMin * WINDOW_BYTES,
    sure: params.rateSure * WINDOW_BYTES,
    growth: params.growth,
  };
  // Below this, what is usual for a host does not matter: so many times as much is no flood yet.
  const gate = new Gate(limits.least / Math.max(GATE, limits.growth), state);
  const traffic = new HostTraffic(hostsMax, params.baselineTime, limits, state);
  const floods = new Floods(context, hosts, traffic, flows);

  function receive(flow: Flow): void {
    const { BYTES, TIME_FIRST, TIME_LAST } = flow;
    if (TIME_LAST < TIME_FIRST) {
      count("flows_ended_before_begun");
      return;
    }
    const target = targetOf(flow.DST_IP);
    if (!gate.admits(target, TIME_FIRST, TIME_LAST, BYTES)) return;
    const row = rowOf(target, TIME_LAST);
    const isFlooded = floods.isOpen(row);
    const isRolled = traffic.roll(row, TIME_LAST, !isFlooded);
    traffic.add(row, TIME_FIRST, TIME_LAST, BYTES);
    if (gate.credit > 0) traffic.add(row, TIME_LAST, TIME_LAST, gate.credit);
    const isNew = traffic.addSource(row, ipHash(sourceOf(flow.SRC_IP)));
    if (isFlooded) {
      if (isNew) floods.show(row, flow, true);
      floods.goOn(row, TIME_FIRST, TIME_LAST, BYTES);
    } else if (traffic.isBusy(row)) {
      if (traffic.isSuspect(row)) floods.show(row, flow, isNew);
      if (isRolled || traffic.isSure(row)) judge(row, flow);
    }
  }

  function rowOf(target: Ip, time: number): number {
    const row = hosts.upsertIp(target, time);
    if (hosts.isNew) {
      watched[0] ||= time;
      traffic.begin(row, time, watched[0]!);
      floods.clear(row);
    } else if (floods.isOver(row, time)) floods.end(row);
    return row;
  }

  /** Begin a flood if there is one. */
  function judge(row: number, flow: Flow): void {
    const found = traffic.find(row);
    if (!found) return;
    const sources = Math.max(sourcesMin, sourcesGrowth * traffic.sourcesBase(row));
    if (traffic.isFromMany(row, sources, found.told)) floods.begin(row, flow, found, sources);
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) receive(flow);
    },
    everySecond(now: number) {
      floods.endOver(now);
      hosts.expire(now);
    },
    end() {
      hosts.forEach((row) => {
        floods.tellRest(row);
      });
    },
  };
}
