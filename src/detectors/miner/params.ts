// SPDX-License-Identifier: BSD-3-Clause
import { param } from "../../core/module.ts";

export const params = {
  durationMin: param.seconds({
    default: 600,
    min: 60,
    about: "A connection is looked at for its behaviour from this age on",
  }),
  portsIgnored: param.text({
    default: "0-1023,1883,3306,3389,5222-5223,5228,5432,5671-5672,6379,6667,6697,8883,9092",
    about:
      "Server ports whose connections are not judged by their behaviour, which others share with miners",
  }),
  idleTimeout: param.seconds({
    default: 300,
    min: 1,
    about: "Forget a client of a server not seen for this long",
  }),
  pairsMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about: "Pairs of client and server watched at once",
  }),
  blacklist: param.text({
    default: "",
    about:
      "File of mining pools: an address a line, with a port (`192.0.2.1:3333`, `[2001:db8::1]:3333`) or without",
  }),
  whitelist: param.text({
    default: "",
    about: "File of servers that are none, as `blacklist`",
  }),
  probe: param.flag({
    default: false,
    about: "Connect to suspected pools and ask whether they speak Stratum",
  }),
  probeOnly: param.text({
    default: "",
    about: "Addresses that `probe` may connect to, divided by commas: `10.0.0.0/8, 2001:db8::/32`",
  }),
  probesPerMinute: param.count({
    default: 6,
    min: 1,
    max: 600,
    about: "Servers that `probe` asks in a minute at most",
  }),
  config: param.text({
    default: "",
    about: "Only with `compat=nemea`: the original's configuration, an XML file",
    flag: "u",
  }),
  compat: param.compat(),
};
