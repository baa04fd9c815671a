// SPDX-License-Identifier: BSD-3-Clause
/**
 * A process to be killed, which brings numbered alerts to a syslog server that may not be there:
 *
 *     child.ts FOLDER PORT fill COUNT    puts alerts until there were so many in all, and says how many it acknowledged
 *     child.ts FOLDER PORT drain         puts none, ends when the server has all, and says what that took
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { Delivery } from "../../src/control/delivery/delivery.ts";
import { numbered } from "../../src/control/delivery/testing/sinks.ts";
import syslog from "../../src/exporters/syslog/index.ts";
import { idOf } from "./server.ts";

/** Alerts between two looks at the event loop. */
const TURN = 1000;
/** What is left out has its default, which the declaration knows; here all is said. */
const TCP = {
  host: "127.0.0.1",
  transport: "tcp",
  format: "json",
  facility: "local0",
  ca: "",
  key: "",
  cert: "",
  serverName: "",
  timeout: 10,
} as const;

const [folder = "", port = "", mode, count] = process.argv.slice(2);
const sink = syslog.open({ ...TCP, port: Number(port) }, { host: "test", version: "0" });
const delivery = Delivery.start(join(folder, "delivery.sqlite"), [{ name: "siem", sink }]);
const counts = () => delivery.stats().sinks[0]!;

if (mode === "fill") {
  const { delivered, filtered, dropped, dead, waiting } = counts();
  // Whatever a kill cut off is put again: the books say how many came before.
  for (let n = delivered + filtered + dropped + dead + waiting; n < Number(count); ) {
    for (let i = 0; i < TURN && n < Number(count); i++, n++)
      delivery.put(numbered(n, { id: idOf(n), update: n % 3 }));
    if (await delivery.committed()) writeSync(1, `${n}\n`);
    await Bun.sleep(0);
  }
} else {
  const began = performance.now();
  const before = counts().waiting;
  while (counts().waiting > 0) await Bun.sleep(1);
  const seconds = (performance.now() - began) / 1000;
  writeSync(1, `${JSON.stringify({ drained: before, seconds, ...counts() })}\n`);
}
await delivery.close();
