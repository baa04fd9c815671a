#!/usr/bin/env bun
// SPDX-License-Identifier: BSD-3-Clause
import { isMainThread } from "node:worker_threads";
import { main } from "./control/cli/main.ts";

// A bundle is one file, which its Workers run too: there they are control/worker.ts.
if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else await import("./control/worker.ts");
