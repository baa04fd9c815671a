// SPDX-License-Identifier: BSD-3-Clause
import { param } from "../../core/module.ts";

export const params = {
  prefixesMax: param.count({
    default: 10,
    min: 2,
    max: 1000,
    about: "Prefixes before one number that are still ordinary",
    flag: "t",
  }),
  numberDigits: param.count({
    default: 9,
    min: 5,
    max: 9,
    about:
      "Last digits that make a number the same whatever stands before them; a shorter one is no number",
    flag: "d",
  }),
  countries: param.text({
    default: "",
    about:
      "Country codes that are usually called, divided by commas (`420,421,49`): tell of calls to others",
  }),
  idleTimeout: param.seconds({
    default: 86_400,
    min: 1,
    about: "Forget a number that a caller has not called for this long",
  }),
  numbersMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about:
      "Pairs of caller and number watched at once; with `compat=nemea` callers and the numbers of all of them",
  }),
  prefixLengthMax: param.count({
    default: 10,
    min: 1,
    max: 100,
    about: "Only with `compat=nemea`: longest prefix",
    flag: "m",
  }),
  interval: param.seconds({
    default: 10,
    about: "Only with `compat=nemea`: time between two searches for an attack of a caller",
    flag: "s",
  }),
  pause: param.seconds({
    default: 30,
    about: "Only with `compat=nemea`: time after an attack in which no other is looked for",
    flag: "p",
  }),
  itemsMax: param.count({
    default: 100_000,
    min: 1,
    about:
      "Only with `compat=nemea`: numbers of a caller, all of which are forgotten when there are more",
    flag: "q",
  }),
  clearAfter: param.seconds({
    default: 1_209_600,
    about: "Only with `compat=nemea`: forget a caller not seen for this long",
    flag: "x",
  }),
  eventIdFile: param.text({
    default: "disabled",
    about: "Only with `compat=nemea`: file that keeps the number of the last event, or `disabled`",
    flag: "e",
  }),
  compat: param.compat(),
};
