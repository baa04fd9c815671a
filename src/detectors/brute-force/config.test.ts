// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { readConfig } from "./config.ts";

const read = (text: string) => {
  const warnings: string[] = [];
  return { config: readConfig(text, (warning) => warnings.push(warning)), warnings };
};

test("readConfig sets what the file says and leaves the rest as the original has it", () => {
  const { config, warnings } = read(`# comment
GENERAL_ATTACK_MIN_RATIO_TO_KEEP_TRACKING_HOST = 12.5
 RDP_LIST_THRESHOLD=7
SSH_BRUTEFORCE_INC_MIN_PACKETS =  5
TELNET_BRUTEFORCE_INC_MAX_BYTES = 4000
`);
  expect(warnings).toEqual([]);
  expect(config.general).toMatchObject({ ratioMin: 12.5, eventsMin: 10 });
  expect(config.limits.map(({ threshold }) => threshold)).toEqual([30, 7, 30]);
  expect(config.services[0]!.incoming[0]).toMatchObject({ packetsMin: 5, packetsMax: 30 });
  expect(config.services[2]!.incoming[0]).toMatchObject({ bytesMin: 450, bytesMax: 4000 });
});

test("readConfig changes nothing that another reading gave", () => {
  read("SSH_BRUTEFORCE_INC_MIN_PACKETS = 5\n");
  expect(read("").config.services[0]!.incoming[0]!.packetsMin).toBe(11);
});

test.each(["SSH_LIST_SIZE", "SSH_LIST_SIZE = many", "FTP_LIST_SIZE = 5", "SSH_LIST_SIZE = -1"])(
  "readConfig tells of a line that sets nothing: %s",
  (line) => {
    const { warnings, config } = read(`\n${line}\n`);
    expect(warnings).toEqual([`line 2 of the configuration sets nothing: ${JSON.stringify(line)}`]);
    expect(config).toEqual(read("").config);
  },
);
