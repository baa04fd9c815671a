// SPDX-License-Identifier: BSD-3-Clause
/**
 * The other end of logger and logreplay, for records of 14 fields, and the text itself.
 *
 *     text.ts send SPEC COUNT | receive SPEC | write FILE COUNT
 */
import { closeSync, openSync } from "node:fs";
import { defineModule, param } from "../../src/core/module.ts";
import { Poller } from "../../src/core/net/poller.ts";
import { ModuleRunner } from "../../src/core/runner.ts";
import { openInput, openOutput } from "../../src/core/trap/index.ts";
import { parseInput, parseOutput } from "../../src/core/trap/specifier.ts";
import { parseIp } from "../../src/core/unirec/ip.ts";
import { type AnyReader, reader } from "../../src/core/unirec/reader.ts";
import { ANY_RECORDS, template } from "../../src/core/unirec/template.ts";
import { TextWriter } from "../../src/core/unirec/text-writer.ts";
import { writeAll } from "../../src/core/write-all.ts";

const FLOW = template(
  "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,uint64 LINK_BIT_FIELD,time TIME_FIRST,time TIME_LAST,uint32 PACKETS,uint16 DST_PORT,uint16 SRC_PORT,uint8 DIR_BIT_FIELD,uint8 PROTOCOL,uint8 TCP_FLAGS,uint8 TOS,uint8 TTL",
);
const BURST = 1000;
/** Hosts that talk; a flow's are picked from them. */
const HOSTS = 4096;

const source = defineModule({
  name: "source",
  about: "Sends flow records that differ as those of a probe do.",
  params: { count: param.count({ about: "Records", default: 0 }) },
  inputs: {},
  outputs: { flows: FLOW },
  setup({ params, out }) {
    const hosts = Array.from(
      { length: HOSTS },
      (_, i) => parseIp(`10.${i & 255}.${i >> 8}.${(i * 7) & 255}`)!,
    );
    const { record, push } = out.flows;
    let sent = 0;
    return {
      produce: () => {
        for (let i = 0; i < BURST && sent < params.count; i++, sent++) {
          const dice = Math.imul(sent, 0x9e3779b1) >>> 0;
          record.begin();
          record.SRC_IP = hosts[dice % HOSTS]!;
          record.DST_IP = hosts[(dice >>> 12) % HOSTS]!;
          record.BYTES = 40 + (dice % 1_000_000);
          record.LINK_BIT_FIELD = 1;
          record.TIME_FIRST = 1.7e15 + sent * 10 + (dice % 1000);
          record.TIME_LAST = 1.7e15 + sent * 10 + 200_000 + (dice % 3000);
          record.PACKETS = 1 + (dice % 900);
          record.SRC_PORT = 1024 + (dice % 60_000);
          record.DST_PORT = (dice & 1) === 0 ? 443 : 53;
          record.PROTOCOL = (dice & 1) === 0 ? 6 : 17;
          record.TCP_FLAGS = 27;
          record.TTL = 64;
          push();
        }
        return sent < params.count ? 0 : undefined;
      },
    };
  },
});

const counter = { records: 0 };
const sink = defineModule({
  name: "sink",
  about: "Counts records.",
  params: {},
  inputs: { flows: ANY_RECORDS },
  outputs: {},
  setup: () => ({
    flows: (flows) => {
      counter.records += (flows as never as AnyReader).batch.count;
    },
  }),
});

const env = {
  poller: new Poller(),
  log: () => {},
  socketFolder: process.env["TRAP_SOCKET_DIR"] ?? "/tmp",
};
const [role, where = "", count = "0"] = process.argv.slice(2);
if (role === "receive") {
  const runner = new ModuleRunner(sink);
  openInput(parseInput(where), runner.inputs["flows"]!, env);
  while (!runner.ended) env.poller.turn();
} else {
  const runner = new ModuleRunner(source, { params: { count: Number(count) } });
  const port = runner.outputs["flows"]!;
  if (role === "send") {
    const output = openOutput(parseOutput(where), "WAIT", env);
    output.attach(port);
    while (runner.produce() !== undefined) env.poller.turn(0);
    runner.end();
    while (!output.drained) env.poller.turn();
    output.close();
  } else {
    const fd = openSync(where, "w");
    const cursor = reader(FLOW) as AnyReader;
    const text = new TextWriter((bytes) => writeAll(fd, bytes, where));
    text.header(FLOW);
    port.link({
      receive: (batch) => {
        cursor.reset(batch);
        while (cursor.next()) text.record(cursor, FLOW);
      },
      advance: () => {},
      end: () => text.flush(),
    });
    while (runner.produce() !== undefined);
    runner.end();
    closeSync(fd);
  }
}
console.log(
  JSON.stringify({ ...(role === "receive" ? counter : {}), micros: 0, start: 0, rssMax: 0 }),
);
