#!/usr/bin/env bun
// SPDX-License-Identifier: BSD-3-Clause
import { isMainThread } from "node:worker_threads";
import { main } from "./control/cli/main.ts";

// In a bundle this file is also what Workers run: control/worker.ts answers there.
if (isMainThread) process.exitCode = await main(process.argv.slice(2));
