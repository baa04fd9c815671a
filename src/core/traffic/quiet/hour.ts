// SPDX-License-Identifier: BSD-3-Clause
import type { Stage } from "../stage.ts";
import { enterClocks, enterLeases } from "./clocks.ts";
import { enterBackups, enterFiles, enterInventory } from "./files.ts";
import { Lookups } from "./lookups.ts";
import { enterMail } from "./mail.ts";
import { enterMonitoring } from "./monitoring.ts";
import { Names } from "./names.ts";
import type { Network } from "./network.ts";
import { enterDiscovery, enterLasting, enterPrinting, enterShells } from "./people.ts";
import { Phrases } from "./phrases.ts";
import { Scene } from "./scene.ts";
import { enterTelephony } from "./telephony.ts";
import { enterUpdates } from "./updates.ts";
import { Web } from "./web.ts";

/** Enter all that an office does in an ordinary hour, `scale` times as much of what comes by chance. */
export function enterOrdinary(
  stage: Stage,
  network: Network,
  when: { readonly start: number; readonly scale: number },
): void {
  const scene = new Scene(stage, network, when);
  const names = new Names(stage.random, network);
  const lookups = new Lookups(scene, names);
  const phrases = new Phrases(stage.writer.payloads, stage.random);
  lookups.enter();
  new Web(scene, names, lookups, phrases).enter();
  enterClocks(scene);
  enterLeases(scene);
  enterMonitoring(scene, phrases, names);
  enterUpdates(scene, phrases, { names, lookups });
  enterFiles(scene, phrases);
  enterInventory(scene, phrases);
  enterBackups(scene, phrases);
  enterMail(scene, phrases, lookups);
  enterShells(scene, phrases);
  enterPrinting(scene, phrases);
  enterDiscovery(scene);
  enterLasting(scene, phrases, names);
  enterTelephony(scene);
}
