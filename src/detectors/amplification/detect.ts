// SPDX-License-Identifier: BSD-3-Clause
import { ipHash } from "../../core/state/hyper-log-log.ts";
import type { Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Attacks, SIGN } from "./attacks.ts";
import { Exchanges, SUM } from "./exchanges.ts";
import type { Flow, Setup } from "./index.ts";
import { parsePorts } from "./services.ts";

const UDP = 17;
/** What part of the least bytes of an attack makes a suspect, whose servers are counted and flows kept. */
const SUSPECT_PART = 0.1;

/** Default mode: compare what clients asked and were answered with each flow of a service. */
export function detect(context: Setup, flows: Template) {
  const { params, state, count } = context;
  const { ratioMin, answersMin, answerBytes, answerPackets, queryBytes } = params;
  const { reflectorsMin, bytesMin, bytesBig, victimsMax } = params;
  const isService = new Uint8Array(65_536);
  for (const port of parsePorts(params.ports)) isService[port] = 1;
  const suspectBytes = SUSPECT_PART * Math.min(bytesMin, bytesBig, answersMin * answerBytes);
  const clients = state.table("victims", {
    key: ["ip", "number"],
    rows: victimsMax,
    idle: Math.max(params.window, params.calmTime) * SECOND,
    onLeave(row) {
      if (attacks.isOpen(row)) attacks.end(row);
    },
  });
  const exchanges = new Exchanges(victimsMax, params.window * SECOND, state);
  const attacks = new Attacks(context, clients, exchanges, flows);

  /** The row of a client of a port, made when there is none. */
  function rowOf(client: Ip, port: number, time: number): number {
    const row = clients.upsertIpNumber(client, port, time);
    if (clients.isNew) {
      exchanges.begin(row, time);
      attacks.clear(row);
    } else if (attacks.isOver(row, time)) attacks.end(row);
    return row;
  }

  function query(flow: Flow, time: number): void {
    const row = rowOf(flow.SRC_IP, flow.DST_PORT, time);
    exchanges.add(row, SUM.reqFlows, time, flow);
    if (isGroup(flow.DST_IP)) exchanges.addGroup(row, time);
    if (attacks.isOpen(row)) attacks.add(row, SUM.reqFlows, flow);
  }

  function answer(flow: Flow, time: number): void {
    const row = rowOf(flow.DST_IP, flow.SRC_PORT, time);
    exchanges.add(row, SUM.rspFlows, time, flow);
    const isOpen = attacks.isOpen(row);
    if (isOpen) attacks.add(row, SUM.rspFlows, flow);
    const bytes = exchanges.sum(row, SUM.rspBytes);
    if (bytes <= ratioMin * exchanges.sum(row, SUM.reqBytes)) {
      if (!isOpen) attacks.clear(row);
      return;
    }
    if (bytes < suspectBytes) return;
    attacks.suspect(row, flow, exchanges.addServer(row, ipHash(flow.SRC_IP)));
    const sign = signOf(row, bytes, time);
    if (sign === SIGN.none) return;
    if (isOpen) attacks.goOn(row, time);
    else attacks.begin(row, sign, flow);
  }

  /** What makes an attack of so many bytes of answers that are too many for the queries. */
  function signOf(row: number, bytes: number, now: number): number {
    const packets = exchanges.sum(row, SUM.rspPackets);
    const queries = exchanges.sum(row, SUM.reqPackets);
    if (packets < answerPackets * queries) return SIGN.none;
    if (queries > 0 && exchanges.sum(row, SUM.reqBytes) >= queryBytes * queries) return SIGN.none;
    const answers = Math.max(exchanges.sum(row, SUM.rspFlows), queries);
    if (answers > answersMin && bytes > answerBytes * answers) return SIGN.large;
    if (bytes >= bytesBig) return SIGN.big;
    if (bytes < bytesMin || exchanges.servers(row) < reflectorsMin) return SIGN.none;
    return exchanges.hasAskedGroup(row, now) ? SIGN.none : SIGN.many;
  }

  function receive(flow: Flow): void {
    const isQuery = isService[flow.DST_PORT] === 1;
    const isAnswer = isService[flow.SRC_PORT] === 1;
    if (!isQuery && !isAnswer) return;
    const { TIME_LAST } = flow;
    if (TIME_LAST < flow.TIME_FIRST) {
      count("flows_ended_before_begun");
      return;
    }
    // Between two ports of services it may be either: forged queries may well come from port 53.
    if (isQuery) query(flow, TIME_LAST);
    if (isAnswer) answer(flow, TIME_LAST);
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) if (flow.PROTOCOL === UDP) receive(flow);
    },
    everySecond(now: number) {
      attacks.endOver(now);
      clients.expire(now);
    },
    end() {
      clients.forEach((row) => {
        attacks.tellRest(row);
      });
    },
  };
}

/** Whether an address is a multicast group, or broadcast. */
const isGroup = (ip: Ip & { readonly isV4: boolean }): boolean =>
  ip.isV4 ? (ip.w2 & 0xff) >= 224 : (ip.w0 & 0xff) === 0xff;
