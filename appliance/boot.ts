// SPDX-License-Identifier: BSD-3-Clause
/**
 * `npm run appliance:boot`: starts the image in qemu and says where its console is. What the machine writes goes with
 * it, unless --keep is given.
 *
 *   bun appliance/boot.ts [--uefi] [--keep] [--serial] [IMAGE]
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { IMAGE, OUT } from "./build.ts";
import { BuildError } from "./command.ts";
import { freePorts, hasKvm, Machine } from "./machine.ts";
import { apiAnswers, setupToken } from "./watch.ts";

async function boot(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { uefi: { type: "boolean" }, keep: { type: "boolean" }, serial: { type: "boolean" } },
  });
  const disk = positionals[0] ?? join(OUT, IMAGE);
  if (!existsSync(disk)) throw new BuildError(`${disk} is not there: npm run appliance makes it`);
  const [api, local, remote] = freePorts(3) as [number, number, number];
  const machine = new Machine(
    {
      disk,
      snapshot: values.keep !== true,
      firmware: values.uefi ? "uefi" : "bios",
      api,
      tap: { local, remote },
    },
    (text) => {
      if (values.serial) process.stdout.write(text);
    },
  );
  await using ends = machine;
  process.once("SIGINT", () => void ends.cut());
  process.once("SIGTERM", () => void ends.cut());
  const url = `https://127.0.0.1:${api}/`;
  console.log(
    `booting ${disk} ${hasKvm() ? "with KVM" : "without KVM, which takes a minute or two"}`,
  );
  const begin = performance.now();
  await apiAnswers(machine, url);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(`${url}console answers after ${seconds} s; its certificate is its own`);
  console.log(`open ${url}console#/setup with the one-time token ${await setupToken(machine)}`);
  console.log(
    `the tap takes Ethernet frames as UDP datagrams at 127.0.0.1:${local}; Ctrl-C ends the machine`,
  );
  const complaint = await machine.ended();
  if (complaint !== "") console.log(complaint);
}

try {
  await boot();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`appliance: ${error.message}`);
  process.exitCode = 1;
}
