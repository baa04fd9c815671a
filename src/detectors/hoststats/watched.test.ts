// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { StateStore } from "../../core/state/state-store.ts";
import { parseIp } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { HEAD, HostTable } from "./host-table.ts";
import { Watched } from "./watched.ts";

test("Watched knows whom it was told of, and in the next window those of them who were seen in the last one", () => {
  const state = new StateStore(() => {});
  const table = new HostTable("hosts", { rows: 16, numbers: 4 }, state);
  const watched = new Watched("watched", { rows: 1024, window: 60 }, state);
  const hashes = [50, 10, 0].map((seen, row) => {
    const ip = parseIp(`10.0.0.${row}`)!;
    table.insert(row, ip, table.hash(ip));
    table.numbers[row * table.size + HEAD.touched] = seen * SECOND;
    return table.hash(ip);
  });
  const known = () => hashes.map((hash) => watched.has(hash));
  expect(known()).toEqual([false, false, false]);
  for (const hash of hashes) watched.add(hash);
  watched.roll(59 * SECOND, table);
  expect(known()).toEqual([true, true, true]);
  watched.roll(65 * SECOND, table);
  expect(known()).toEqual([true, true, false]);
});
