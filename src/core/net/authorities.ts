// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { createSecureContext, getCACertificates } from "node:tls";
import { messageOf, paramError } from "../errors.ts";

/**
 * Certificates of which a server's has to be signed by one: those of a PEM file, the system's when there is no path.
 * @throws {NemeanError} ERR_PARAM when the file is missing or holds none
 */
export function authorities(path: string): string | string[] {
  const found = path === "" ? systemAuthorities() : certificatesIn(path);
  try {
    createSecureContext({ ca: found });
  } catch (error) {
    throw paramError(`ca: ${path}: ${messageOf(error)}`);
  }
  return found;
}

function certificatesIn(path: string): string {
  const text = pemText("ca", path);
  // An empty list would be taken for none, and none for the runtime's own.
  if (!text.includes("BEGIN CERTIFICATE")) throw paramError(`ca: ${path}: no certificate in it`);
  return text;
}

/** What the system trusts; where it has no such list, what came with the runtime. */
function systemAuthorities(): string[] {
  const system = getCACertificates("system");
  return system.length > 0 ? system : getCACertificates("bundled");
}

/**
 * The text of a PEM file that a parameter names.
 * @throws {NemeanError} ERR_PARAM when it cannot be read
 */
export function pemText(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw paramError(`${parameter}: ${messageOf(error)}`);
  }
}
