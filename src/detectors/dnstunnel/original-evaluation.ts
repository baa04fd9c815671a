// SPDX-License-Identifier: BSD-3-Clause
import { TUNNEL } from "./fields.ts";
import {
  type Client,
  PART_TYPES,
  PARTS,
  type Part,
  type Sizes,
  STATE,
  Suspects,
} from "./original-client.ts";
import type { Limits } from "./original-limits.ts";
import { SuffixTree } from "./suffix-tree.ts";

/** Fewer strings, but stricter shares, also make a tunnel of requests, when the last one is long. */
const CLOSER = { inserts: 30, share: 0.98, length: 60 } as const;
/** Share of the messages from which on a bin of sizes is marked. */
const BIN_SHARE = 0.3;

export interface Alarm {
  readonly client: Client;
  readonly suspects: Suspects;
  readonly TUNNEL_TYPE: number;
  readonly TUNNEL_PER_NEW_DOMAIN: number;
  readonly TUNNEL_PER_SUBDOMAIN: number;
  readonly TUNNEL_DOMAIN: string;
}
export interface Evaluation {
  readonly limits: Limits;
  readonly alarm: (alarm: Alarm) => void;
  readonly capture: (client: Client) => void;
  readonly nextEvent: () => number;
}

/** What the original does with an address when a session is over. */
export function evaluate(client: Client, evaluation: Evaluation): void {
  if (client.requestOtherState === STATE.fresh) suspectRequestSizes(client, evaluation);
  else judgeRequestOther(client, evaluation);
  if (client.requestTunnelState === STATE.fresh) suspectTunnelSizes(client, evaluation);
  else judgeRequestTunnel(client, evaluation);
  if (client.responseTunnelState !== STATE.fresh) judgeResponseTunnel(client, evaluation);
  if (client.responseOtherState === STATE.fresh) suspectResponseSizes(client, evaluation);
  else judgeResponseOther(client, evaluation);
  tell(client, evaluation);
  const { requestTunnel, requestTunnelState, responseTunnelState } = client;
  if (client.captured || requestTunnel?.round !== 0 || client.responseRound !== 0) return;
  if (requestTunnelState !== STATE.attack || responseTunnelState !== STATE.attack) return;
  client.captured = true;
  evaluation.capture(client);
}

interface SizeLimits {
  readonly meanMin: number;
  readonly meanMax: number;
  readonly varianceMin: number;
  readonly varianceMax: number;
}
const isOutside = ({ variance, mean }: Sizes, limits: SizeLimits): boolean =>
  variance < limits.varianceMin || variance > limits.varianceMax || mean > limits.meanMax;

/** Mark the sizes that make much of the traffic, and the most frequent one where `peak` says so. */
function mark(
  suspects: Suspects,
  sizes: Sizes,
  { letters, peak }: { letters: number; peak: boolean },
): void {
  let most = 0;
  for (const [bin, count] of sizes.bins.entries()) {
    if (count > sizes.bins[most]!) most = bin;
    if (count / sizes.count > BIN_SHARE && sizes.lettersOf(bin) < letters) suspects.marked.add(bin);
  }
  if (peak) suspects.marked.add(most);
}

function suspectRequestSizes(client: Client, { limits }: Evaluation): void {
  const { requests } = client;
  if (requests.count <= limits.requestsOther) return;
  if (!isOutside(requests, limits.request) && requests.mean >= limits.request.meanMin) return;
  client.requestOtherState = STATE.suspicion;
  client.requestOther ??= new Suspects(client.timeLast);
  mark(client.requestOther, requests, { letters: limits.requestLetters, peak: true });
}

function suspectTunnelSizes(client: Client, { limits }: Evaluation): void {
  const { requests } = client;
  if (requests.count <= limits.requestsOther || !isOutside(requests, limits.request)) return;
  client.requestTunnelState = STATE.suspicion;
  client.requestTunnel ??= new Suspects(client.timeLast);
  mark(client.requestTunnel, requests, { letters: limits.requestLetters, peak: false });
}

function suspectResponseSizes(client: Client, { limits }: Evaluation): void {
  const { responses } = client;
  const isStrange =
    responses.count > limits.responsesOther &&
    (isOutside(responses, limits.response) || responses.mean < limits.response.meanMin);
  if (!isStrange) {
    client.forgetResponses();
    return;
  }
  client.responseOtherState = STATE.suspicion;
  client.responseOther ??= new Suspects(client.timeLast);
  mark(client.responseOther, responses, { letters: Number.POSITIVE_INFINITY, peak: true });
}

const isRepeating = ({ tree }: Suspects, { onceOther }: Limits, inserts: number): boolean =>
  tree.inserts > inserts && tree.onceShare < onceOther && tree.differentShare < onceOther;

function judgeRequestOther(client: Client, { limits, nextEvent }: Evaluation): void {
  const suspects = client.requestOther!;
  const isAttack = client.requestOtherState === STATE.attack;
  if (isRepeating(suspects, limits, limits.requestsOther)) {
    suspects.round = 0;
    client.requestOtherState = STATE.attack;
    if (!isAttack) suspects.event = nextEvent();
  } else if (++suspects.round > (isAttack ? limits.roundsAttack : limits.roundsSuspicion))
    client.forgetRequests();
}

function judgeResponseOther(client: Client, { limits, nextEvent }: Evaluation): void {
  const suspects = client.responseOther!;
  const isAttack = client.responseOtherState === STATE.attack;
  const isNameless = isAttack && suspects.nameless / suspects.responses > limits.malformed;
  if (isNameless || isRepeating(suspects, limits, limits.responsesOther)) {
    suspects.round = 0;
    client.responseOtherState = STATE.attack;
    if (!isAttack) suspects.event = nextEvent();
  } else if (++suspects.round > (isAttack ? limits.roundsAttack : limits.roundsSuspicion))
    client.forgetResponses();
}

/** The limits of rounds are used the wrong way round. */
function judgeRequestTunnel(client: Client, { limits, nextEvent }: Evaluation): void {
  const suspects = client.requestTunnel!;
  const { tree } = suspects;
  const areNew = (share: number): boolean => tree.onceShare > share && tree.differentShare > share;
  if (client.requestTunnelState === STATE.attack) {
    if (areNew(limits.onceTunnel)) suspects.round = 0;
    else if (++suspects.round > limits.roundsSuspicion) client.forgetRequestTunnel();
    return;
  }
  const isTunnel =
    tree.inserts > limits.requestsTunnel &&
    areNew(limits.onceTunnel) &&
    tree.busiestShare > limits.busiestShare;
  const isClose = !isTunnel && tree.inserts > CLOSER.inserts && areNew(CLOSER.share);
  if (isTunnel || (isClose && tree.lastRare.length > CLOSER.length)) {
    client.requestTunnelState = STATE.attack;
    suspects.event = nextEvent();
    suspects.round = 0;
  } else if (!isClose && ++suspects.round > limits.roundsAttack) client.forgetRequestTunnel();
}

function judgeResponseTunnel(client: Client, evaluation: Evaluation): void {
  const { limits } = evaluation;
  for (const part of PARTS) judgePart(client, part, evaluation);
  if (client.responseTunnelState === STATE.suspicion) {
    if (++client.responseRound > limits.roundsSuspicion) client.forgetResponseTunnel();
  } else if (client.active.size === 0) client.forgetResponseTunnel();
}

function judgePart(client: Client, part: Part, { limits, nextEvent }: Evaluation): void {
  const suspects = client.parts.get(part);
  if (!suspects) return;
  const { inserts, once, different } = suspects.tree;
  const isTunnel =
    inserts > limits.responsesTunnel &&
    once / inserts > limits.onceTunnel &&
    different / inserts > limits.onceTunnel;
  if (isTunnel && !client.active.has(part)) {
    if (part !== "name") client.responseRound = 0;
    client.responseTunnelState = STATE.attack;
    suspects.event = nextEvent();
    client.active.add(part);
  } else if (!isTunnel && client.active.delete(part)) client.parts.delete(part);
}

/** Tell of what is in an attack and was confirmed in this session, and begin its tree anew. */
function tell(client: Client, { alarm }: Evaluation): void {
  const { requestTunnel, requestOther, responseOther } = client;
  const send = (suspects: Suspects, type: number): void => {
    const { tree } = suspects;
    const isOther = type === TUNNEL.requestOther || type === TUNNEL.responseOther;
    alarm({
      client,
      suspects,
      TUNNEL_TYPE: type,
      TUNNEL_PER_NEW_DOMAIN: tree.onceShare,
      TUNNEL_PER_SUBDOMAIN: type === TUNNEL.request ? tree.busiestShare : tree.differentShare,
      TUNNEL_DOMAIN: isOther ? tree.mostInserted : tree.lastRare,
    });
    suspects.tree = new SuffixTree();
  };
  if (client.requestTunnelState === STATE.attack && requestTunnel?.round === 0)
    send(requestTunnel, TUNNEL.request);
  if (client.requestOtherState === STATE.attack && requestOther?.round === 0)
    send(requestOther, TUNNEL.requestOther);
  if (client.responseTunnelState === STATE.attack && client.responseRound === 0)
    for (const part of TOLD)
      if (client.active.has(part)) send(client.parts.get(part)!, PART_TYPES[part]);
  if (client.responseOtherState === STATE.attack && responseOther?.round === 0)
    send(responseOther, TUNNEL.responseOther);
}

/** Parts in the order in which the original tells of them. */
const TOLD: readonly Part[] = ["name", "txt", "cname", "ns", "mx"];
