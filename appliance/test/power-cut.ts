// SPDX-License-Identifier: BSD-3-Clause
/** Power cuts while alerts are written: the machine comes up each time, and has what it has shown before. @module */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OUT } from "../build.ts";
import { run } from "../command.ts";
import { freePorts, Machine, type MachineOptions } from "../machine.ts";
import { apiAnswers, setupToken, until } from "../watch.ts";
import { Client } from "./client.ts";
import type { Report } from "./report.ts";
import { TapCable } from "./tap.ts";
import { portScan } from "./traffic.ts";

const PASSWORD = "correct horse battery staple";
/** Scanners at once, so that alerts are still on their way as the first has come. */
const SCANNERS = 20;
const FIRST_SCANNER = 0xcb007101; // 203.0.113.1

/** Flows end soon, so that a round is short; the rest is as the image has it. */
const CONFIG = `data = "/var/lib/nemean"
[[sources]]
interface = "tap0"
[meter]
idle = 2
linger = 1
[api]
host = "0.0.0.0"
tls = true
port = 443
`;

interface Place {
  readonly image: string;
  readonly folder: string;
}

export async function powerCuts(
  report: Report,
  { image, folder }: Place,
  times: number,
): Promise<void> {
  report.title(`${times} power cuts`);
  const disk = join(folder, "cut.qcow2");
  run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, disk]);
  const [api, local, remote] = freePorts(3) as [number, number, number];
  using cable = await TapCable.connect(remote, local);
  const url = `https://127.0.0.1:${api}/`;
  const options: MachineOptions = {
    ...{ disk, api, tap: { local, remote } },
    credentials: { "nemean.toml": CONFIG },
  };
  const shown = new Set<string>();
  const log = join(OUT, "serial-cut.log");
  writeFileSync(log, "");
  for (let round = 0; round <= times; round++) {
    await using machine = new Machine(options, (text) => appendFileSync(log, text));
    await apiAnswers(machine, url);
    const client =
      round === 0
        ? await Client.setUp(url, await setupToken(machine), PASSWORD)
        : await Client.logIn(url, PASSWORD);
    const kept = await client.everyAlert();
    const lost = [...shown].filter((id) => !kept.has(id));
    if (round > 0)
      report.check(
        `after cut ${round} it boots, and has all ${shown.size} alerts that it had shown`,
        lost.length === 0,
        `${lost.length} lost`,
      );
    if (round === times) return;
    await until(machine, "capture", async () => (await client.stats()).sources[0]?.capture);
    // What is captured before the detectors are there is heard by nobody.
    await until(machine, "detectors", async () => {
      const answer = await client.get<{ ready: boolean }>("readyz").catch(() => undefined);
      return answer?.ready === true || undefined;
    });
    // Others each time: what goes on after a restart is the event that it was.
    for (let scanner = 0; scanner < SCANNERS; scanner++)
      await cable.send(portScan(60, FIRST_SCANNER + round * SCANNERS + scanner));
    await until(machine, "an alert", async () => {
      const now = await client.everyAlert();
      const isNew = now.size > kept.size;
      for (const id of now) shown.add(id);
      return isNew || undefined;
    });
    await machine.cut();
  }
}
