// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, param } from "../../src/core/module.ts";
import { parseIp } from "../../src/core/unirec/ip.ts";
import { template } from "../../src/core/unirec/template.ts";

/** 77 bytes, as the flow records that the C library was measured with. */
export const FLOW = template(
  "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint32 PACKETS,uint32 SEQUENCE,uint16 DST_PORT,uint16 IFC_IN,uint16 SRC_PORT,uint16 VLAN_ID,uint8 DIRECTION,uint8 PROTOCOL,uint8 TCP_FLAGS,uint8 TOS,uint8 TTL",
);

/** Records sent in one call. */
const BURST = 1000;

/** Sends `count` records, setting ten fields of each, at full speed or so many a second. */
export const sender = defineModule({
  name: "sender",
  about: "Sends flow records.",
  params: {
    count: param.count({ about: "Records", default: 10_000_000 }),
    rate: param.count({ about: "Records a second; 0 for full speed", default: 0 }),
  },
  inputs: {},
  outputs: { flows: FLOW },
  setup({ params, out }) {
    const source = parseIp("10.0.0.1")!;
    const target = parseIp("192.0.2.7")!;
    const { record, push } = out.flows;
    const began = performance.now();
    let sent = 0;
    return {
      produce: () => {
        for (let i = 0; i < BURST && sent < params.count; i++, sent++) {
          record.begin();
          record.SRC_IP = source;
          record.DST_IP = target;
          record.BYTES = sent;
          record.TIME_FIRST = 1.7e15 + sent;
          record.TIME_LAST = 1.7e15 + sent + 500_000;
          record.PACKETS = sent & 0xffff;
          record.SRC_PORT = sent & 0xffff;
          record.DST_PORT = 443;
          record.PROTOCOL = 6;
          record.TCP_FLAGS = 27;
          push();
        }
        if (sent >= params.count) return undefined;
        if (params.rate === 0) return 0;
        return Math.max(0, began + (sent * 1000) / params.rate - performance.now());
      },
    };
  },
});

/** What a receiver has seen. */
export const seen = { records: 0, bytes: 0, sum: 0 };

/** Reads five fields of each record. */
export const receiver = defineModule({
  name: "receiver",
  about: "Reads flow records.",
  params: {},
  inputs: { flows: FLOW },
  outputs: {},
  setup: () => ({
    flows: (flow) => {
      let [records, bytes, sum] = [0, 0, 0];
      while (flow.next()) {
        records++;
        bytes += flow.BYTES;
        sum += flow.SRC_IP.w2 + flow.DST_PORT + flow.PROTOCOL + flow.PACKETS;
      }
      seen.records += records;
      seen.bytes += bytes;
      seen.sum += sum;
    },
  }),
});
