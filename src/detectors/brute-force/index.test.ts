// SPDX-License-Identifier: BSD-3-Clause
import { testGolden } from "../../core/testing/golden.ts";
import { sharedPath } from "../../core/testing/shared.ts";
import bruteForce from "./index.ts";

const SSH = { ssh: true };
const TELNET = { telnet: true };
const GOLDEN = {
  fuzz1: { ssh: true, rdp: true, telnet: true },
  rdp_above30: { rdp: true },
  ssh_above30: SSH,
  ssh_attack_timeout: SSH,
  ssh_below29: SSH,
  ssh_both_lists_90pct: SSH,
  ssh_bounds: SSH,
  ssh_continue: SSH,
  ssh_end_of_attack: SSH,
  ssh_out_direction: SSH,
  ssh_out_of_bounds: SSH,
  ssh_ratio_end: SSH,
  ssh_whitelist: { ...SSH, whitelist: sharedPath("golden/detectors/brute_force/whitelist.wl") },
  telnet_in_above30: TELNET,
  telnet_out_below: TELNET,
  telnet_out_profiled: TELNET,
};

testGolden("brute_force", bruteForce, GOLDEN);
