// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";

const NUMBER = /^\d+$/;

/**
 * The number of a group, from /etc/group or already a number.
 * @throws Error when there is no such group
 */
export function groupId(group: string): number {
  if (NUMBER.test(group)) return Number(group);
  for (const line of readFileSync("/etc/group", "utf8").split("\n")) {
    const [name, , id] = line.split(":");
    if (name === group && id !== undefined) return Number(id);
  }
  throw new Error("no such group");
}
