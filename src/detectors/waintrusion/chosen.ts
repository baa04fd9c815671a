// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { FAMILIES, type Family } from "./indications.ts";

/** What the original calls its rules. */
const ORIGINAL: Readonly<Record<string, readonly Family[]>> = {
  request_method_enforcement: ["methods"],
  request_scanner_detection: ["scanners"],
  request_protocol_enforcement: ["protocol"],
  request_protocol_attack: ["protocol"],
  request_application_attack_lfi: ["traversal", "files", "restricted"],
  request_application_attack_rfi: ["inclusion"],
  request_application_attack_rce: ["shell", "powershell", "java"],
  request_application_attack_php: ["php"],
  request_application_attack_xss: ["xss"],
  request_application_attack_sqli: ["sql"],
};
const SEPARATOR = /[\s,]+/;

/** The families that `rules` names, or all, without those that `without` names. Throws ERR_PARAM for an unknown name. */
export function chosenFamilies(rules: string, without: string): Set<Family> {
  const named = familiesOf(rules, "rules");
  const left = new Set(familiesOf(without, "without"));
  return new Set((named.length === 0 ? FAMILIES : named).filter((family) => !left.has(family)));
}

function familiesOf(text: string, param: string): Family[] {
  return text
    .split(SEPARATOR)
    .filter((name) => name !== "")
    .flatMap((name) => {
      const known = FAMILIES.filter((family) => family === name);
      const families = known.length > 0 ? known : ORIGINAL[name];
      if (families) return families;
      throw paramError(
        `waintrusion: ${param}: no rule ${JSON.stringify(name)}; there are ${FAMILIES.join(", ")}`,
      );
    });
}
