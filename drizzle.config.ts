// SPDX-License-Identifier: BSD-3-Clause
// For `bunx drizzle-kit generate` and `check` only: migrations are applied by the product when it starts.
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: "./src/control/store/schema.ts",
  out: "./src/control/store/migrations",
});
