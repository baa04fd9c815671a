// SPDX-License-Identifier: BSD-3-Clause
/** vportscan as it is declared, behind its ports. @module */
import { ModuleRunner } from "../../src/core/runner.ts";
import vportscan from "../../src/detectors/vportscan.ts";
import { LAYOUT } from "./traffic.ts";
import type { Make } from "./variant.ts";

export const declared: Make = (found) => {
  const runner = new ModuleRunner(vportscan, {
    onAlert: ({ key, observed = 0, firstTime, lastTime, state, evidence }) =>
      found({
        key: key.slice(key.indexOf(":") + 1),
        observed,
        firstTime,
        lastTime,
        closed: state === "closed",
        evidence,
      }),
  });
  const input = runner.inputs["flows"]!;
  input.announce(LAYOUT);
  return input;
};
