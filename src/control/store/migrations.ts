// SPDX-License-Identifier: BSD-3-Clause
import { migrationsOf } from "../sqlite/migrate.ts";
import events from "./migrations/0000_events.sql" with { type: "text" };
import configRevision from "./migrations/0001_config_revision.sql" with { type: "text" };
import triage from "./migrations/0002_triage.sql" with { type: "text" };
import journal from "./migrations/meta/_journal.json";

/** Each migration of the journal by its tag. A test fails when one is missing here. */
const SQL: Readonly<Record<string, string>> = {
  "0000_events": events,
  "0001_config_revision": configRevision,
  "0002_triage": triage,
};

/** The migrations of the alert store. */
export const MIGRATIONS = migrationsOf(journal, SQL);
