// SPDX-License-Identifier: BSD-3-Clause
import { buildConsole } from "./console-build.ts" with { type: "macro" };

/** The console, built when this file is loaded: import it when the first browser asks. */
export const CONSOLE = buildConsole();
