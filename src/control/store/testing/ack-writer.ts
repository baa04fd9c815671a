// SPDX-License-Identifier: BSD-3-Clause
/** Stores alerts until it is killed, and writes each id once it is committed: `ack-writer.ts DATABASE`. */
import { writeSync } from "node:fs";
import { AlertStore } from "../alert-store.ts";
import { alertOf } from "./alerts.ts";

const store = new AlertStore(process.argv[2]!, { batchMax: 50 });
for (;;) {
  const alerts = Array.from({ length: 200 }, () => alertOf());
  for (const alert of alerts) store.put(alert);
  if (store.flush()) writeSync(1, `${alerts.map(({ id }) => id).join("\n")}\n`);
}
