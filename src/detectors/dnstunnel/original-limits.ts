// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import type { Setup } from "./fields.ts";

/** The original's thresholds, by what it takes them for. */
export type Limits = ReturnType<typeof readLimits>;

/** Read the parameters that are lists of numbers. Throws ERR_PARAM for one that has another number of them. */
export function readLimits(params: Setup["params"]) {
  const [requestMeanMin, requestMeanMax, requestVarianceMin, requestVarianceMax] = four(
    "requestSizes",
    params.requestSizes,
  );
  const [responseMeanMin, responseMeanMax, responseVarianceMin, responseVarianceMax] = four(
    "responseSizes",
    params.responseSizes,
  );
  const [requestLetters, responseLetters] = two("letters", params.letters);
  const [busiestShare] = two("subdomains", params.subdomains);
  const [digits, digitShare] = two("digits", params.digits);
  const [requestsOther, requestsTunnel] = two("requestsMin", params.requestsMin);
  const [responsesOther, responsesTunnel] = two("responsesMin", params.responsesMin);
  const [onceTunnel, onceOther] = two("once", params.once);
  const [roundsSuspicion, roundsAttack] = two("rounds", params.rounds);
  const [sdmPackets, sdmTimeout] = two("sdmCapture", params.sdmCapture);
  return {
    request: {
      meanMin: requestMeanMin,
      meanMax: requestMeanMax,
      varianceMin: requestVarianceMin,
      varianceMax: requestVarianceMax,
    },
    response: {
      meanMin: responseMeanMin,
      meanMax: responseMeanMax,
      varianceMin: responseVarianceMin,
      varianceMax: responseVarianceMax,
    },
    requestLetters,
    responseLetters,
    busiestShare,
    digits,
    digitShare,
    requestsOther,
    requestsTunnel,
    responsesOther,
    responsesTunnel,
    onceTunnel,
    onceOther,
    roundsSuspicion,
    roundsAttack,
    sdmPackets,
    sdmTimeout,
    malformed: params.malformed,
    lengthMin: params.lengthMin,
  };
}

const four = (name: string, text: string) =>
  numbers(name, text, 4) as [number, number, number, number];
const two = (name: string, text: string) => numbers(name, text, 2) as [number, number];

function numbers(name: string, text: string, count: number): number[] {
  const found = text.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));
  if (found.length !== count || found.some(Number.isNaN))
    throw paramError(
      `dnstunnel: ${name}: expected ${count} numbers by commas, got ${JSON.stringify(text)}`,
    );
  return found;
}
