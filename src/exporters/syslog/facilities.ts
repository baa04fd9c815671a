// SPDX-License-Identifier: BSD-3-Clause

/** Facilities of RFC 5424 section 6.2.1 that a program may call its own, by syslog.conf's names. */
export const FACILITIES = {
  user: 1,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

export const FACILITY_NAMES = Object.keys(FACILITIES) as readonly (keyof typeof FACILITIES)[];
