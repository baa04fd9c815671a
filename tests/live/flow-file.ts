// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";

export interface FileFlow {
  readonly packets: number;
  /** Microseconds since 1970. */
  readonly first: number;
  readonly last: number;
}

/** The flows of a file as the product writes it, packets both ways. */
export function flowsIn(path: string): FileFlow[] {
  const [header, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  const names = header!.split(",").map((field) => field.split(" ").at(-1)!);
  const column = (name: string): number => names.indexOf(name);
  const [forward, reverse] = [column("PACKETS"), column("PACKETS_REV")];
  const [first, last] = [column("TIME_FIRST"), column("TIME_LAST")];
  const micros = (text: string): number => Date.parse(`${text}Z`) * 1000;
  return lines.map((line) => {
    const cells = line.split(",");
    return {
      packets: Number(cells[forward]) + Number(cells[reverse]),
      first: micros(cells[first]!),
      last: micros(cells[last]!),
    };
  });
}
