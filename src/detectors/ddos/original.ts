// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../core/unirec/time.ts";
import type { Flow, Setup } from "./index.ts";
import { OriginalHosts } from "./original-hosts.ts";

/** ddos_detector as it is: IPv4, 7 windows of a minute, a flood told of once it leaves them or each 5 minutes. */
export function original(context: Setup) {
  const hosts = new OriginalHosts(context);
  // A mask of 0 shifts by 32, which does nothing, here as there.
  const sourceMask = -1 << (32 - context.params.sourceMask);
  const targetMask = -1 << (32 - context.params.targetMask);

  function receive(flow: Flow): void {
    if (!flow.DST_IP.isV4) return;
    const { TIME_LAST } = flow;
    const first = Math.floor(flow.TIME_FIRST / SECOND);
    const last = Math.floor(TIME_LAST / SECOND);
    hosts.keepTime(last);
    const row = hosts.row((flow.DST_IP.v4 & targetMask) >>> 0, TIME_LAST);
    if (last < first) return;
    hosts.addSource(row, (flow.SRC_IP.v4 & sourceMask) >>> 0);
    hosts.addBytes(row, first, last, flow.BYTES);
    hosts.notice(row);
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) receive(flow);
    },
    end: () => hosts.clear(),
  };
}
