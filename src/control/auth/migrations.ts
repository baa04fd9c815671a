// SPDX-License-Identifier: BSD-3-Clause
import { migrationsOf } from "../sqlite/migrate.ts";
import control from "./migrations/0000_control.sql" with { type: "text" };
import journal from "./migrations/meta/_journal.json";

/** Each migration of the journal by its tag. A test fails when one is missing here. */
const SQL: Readonly<Record<string, string>> = { "0000_control": control };

/** The migrations of the accounts' database. */
export const MIGRATIONS = migrationsOf(journal, SQL);
