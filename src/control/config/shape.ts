// SPDX-License-Identifier: BSD-3-Clause
/** What a configuration file holds beside modules and sinks, which declare their own parameters. @module */
import { LIVE_DEFAULTS, METER_DEFAULTS } from "../../core/flow/meter.ts";
import { type ParamOf, param } from "../../core/module.ts";

/** A list of texts. */
export interface TextsParam {
  readonly kind: "texts";
  readonly about: string;
  readonly default: readonly string[];
}

/** One setting of a table. */
export type Setting = ParamOf<unknown> | TextsParam;
export type Settings = Readonly<Record<string, Setting>>;
export type SettingsOf<S> = {
  readonly [K in keyof S]: S[K] extends TextsParam
    ? readonly string[]
    : S[K] extends ParamOf<infer V>
      ? V
      : never;
};

const texts = (about: string, defaults: readonly string[] = []): TextsParam => ({
  kind: "texts",
  about,
  default: defaults,
});

/** `[[sources]]`: what is captured. */
export const SOURCE = {
  interface: param.text({ about: "interface of the tap", default: "" }),
  workers: param.count({
    about: "capture Workers the kernel spreads flows over",
    default: 1,
    min: 1,
    max: 64,
  }),
  ring: param.count({
    about: "capture ring of each Worker, megabytes",
    default: 64,
    min: 1,
    max: 2048,
  }),
  backend: param.choice({
    about: "how packets are captured",
    options: ["auto", "ring", "libpcap"],
    default: "auto",
  }),
  filter: param.text({
    about: "only packets that this libpcap filter matches; empty for all",
    default: "",
  }),
} as const;

/** `[collectors.NAME]`, beside the collector's own parameters. */
export const COLLECTOR = {
  workers: param.count({
    about: "processes that share its UDP ports; the kernel spreads the exporters over them",
    default: 1,
    min: 1,
    max: 16,
  }),
} as const;

/** `[meter]`. */
export const METER = {
  active: param.seconds({
    about: "export a flow that goes on after this long",
    default: METER_DEFAULTS.active,
    min: 1,
    max: 2000,
  }),
  idle: param.seconds({
    about: "a flow without packets for this long has ended",
    default: METER_DEFAULTS.idle,
    min: 1,
    max: 2000,
  }),
  linger: param.seconds({
    about: "export a TCP connection that ended after this long",
    default: LIVE_DEFAULTS.linger,
    max: 2000,
  }),
  brief: param.seconds({
    about:
      "export a flow of one packet, or of TCP SYNs without answer, this long after its first; 0 for never",
    default: LIVE_DEFAULTS.brief,
    max: 2000,
  }),
  maxFlows: param.count({
    about: "most flows at once",
    default: METER_DEFAULTS.flowsMax,
    min: 16,
    max: 1 << 24,
  }),
  vlanInKey: param.flag({ about: "the outer VLAN id is part of the flow key", default: true }),
  tunnels: param.flag({ about: "the inner header of a tunnel is the flow key", default: true }),
  plugins: texts("what else to find in flows: names, all, default, none", ["none"]),
} as const;

/** `[flows]`: where flows are sent. */
export const FLOW_TARGETS = {
  interfaces: param.text({ about: "TRAP outputs, divided by commas", default: "" }),
  ipfix: param.text({ about: "IPFIX collector: udp:HOST:PORT, tcp:HOST:PORT, tls:…", default: "" }),
} as const;

/** `[api]`. */
export const API = {
  host: param.text({
    about: "address to listen on; one that others can reach needs tls",
    default: "127.0.0.1",
  }),
  names: texts("names and addresses that clients may call it by, beside those of loopback"),
  tls: param.flag({
    about: "speak TLS, by data/tls/key.pem and cert.pem, made at the first start",
    default: false,
  }),
  port: param.count({ about: "port of the API; 0 takes a free one", default: 8080, max: 65_535 }),
} as const;

/** At the top of the file. */
export const TOP = {
  data: param.text({ about: "folder of alerts, states and queues", default: "nemean-data" }),
  sensor: param.text({ about: "name of this sensor in alerts", default: "nemean" }),
} as const;

/** Of each sink beside its exporter's parameters: which alerts it gets. */
export const SINK = {
  exporter: param.text({
    about: "what brings the alerts there: docs/exporters lists all",
    default: "",
  }),
  severity: param.count({ about: "least severity, 0 to 10", default: 0, max: 10 }),
  categories: texts("IDEA categories, as Recon.Scanning, or Recon for all of them; empty for all"),
  detectors: texts("names of detectors; empty for all"),
  prefixes: texts("addresses or prefixes that hold source or target; empty for all"),
} as const;

/** Of each detector beside its own parameters. */
export const DETECTOR = {
  enabled: param.flag({ about: "whether it runs", default: true }),
  process: param.flag({
    about: "run it in a process of its own, so that it cannot take others with it",
    default: false,
  }),
} as const;

/** Of each other module beside its own parameters; it always has a process of its own. */
export const MODULE = {
  enabled: param.flag({ about: "whether it runs", default: false }),
} as const;

/** `[commands.NAME]`: a program that takes `-i`, such as a NEMEA module in C. */
export const COMMAND = {
  command: texts("the program and its arguments, without -i"),
  inputs: param.count({ about: "how many inputs it has", default: 1, max: 32 }),
  outputs: param.count({ about: "how many outputs it has", default: 0, max: 32 }),
} as const;

/** `[[links]]`: where records go, beside the flows that all detectors get. */
export const LINK = {
  from: param.text({
    about: "flows, flows@SOURCE, a module or command, MODULE.PORT, or a TRAP interface",
    default: "",
  }),
  to: param.text({ about: "a module or command, MODULE.PORT, or a TRAP interface", default: "" }),
} as const;

/** `[users.NAME]`. */
export const USER = {
  role: param.choice({
    about: "what it may do",
    options: ["viewer", "operator", "admin"],
    default: "viewer",
  }),
  passwordFile: param.text({
    about: "file whose first line is the password that the user begins with",
    default: "",
  }),
} as const;

/** `[lists]`: threat lists that are fetched. */
export const LISTS = {
  update: param.flag({
    about: "fetch the lists of the definitions when they are due; none where there is no such file",
    default: true,
  }),
  definitions: param.text({
    about: "which lists there are: docs/threat-lists.md; lists.toml in the data folder when empty",
    default: "",
  }),
} as const;

/** `[limits]`. */
export const LIMITS = {
  memory: param.count({
    about: "resident megabytes above which a process is started anew",
    default: 2048,
    min: 64,
    max: 1 << 20,
  }),
  events: param.count({
    about: "events that are stored; the oldest leave beyond that, counted",
    default: 1_000_000,
    min: 1000,
    max: 100_000_000,
  }),
  queue: param.count({
    about: "megabytes of alerts that wait for sinks; the oldest are dropped beyond that, counted",
    default: 256,
    min: 1,
    max: 1 << 20,
  }),
} as const;
