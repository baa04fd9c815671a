// SPDX-License-Identifier: BSD-3-Clause
import type { CaptureStats } from "../snapshot.ts";
import { grouped } from "./terminal.ts";

/** What became of the frames of an interface, in one line. */
export function captureLine(name: string, capture: Omit<CaptureStats, "state">): string {
  const { received, dropped, unread } = capture;
  const rest = unread > 0 ? `, ${grouped(unread)} never read` : "";
  return `${name}: ${grouped(received)} frames received, ${grouped(dropped)} dropped by the kernel${rest}`;
}
