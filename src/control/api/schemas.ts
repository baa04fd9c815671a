// SPDX-License-Identifier: BSD-3-Clause
import { PAGE_MAX } from "../store/alert-query.ts";
import { STATUSES } from "../store/triage.ts";

export type Schema = Readonly<Record<string, unknown>>;

const string = (description: string, more: Schema = {}): Schema => ({
  type: "string",
  description,
  ...more,
});
const time = (description: string): Schema => string(description, { format: "date-time" });
const number = (description: string, more: Schema = {}): Schema => ({
  type: "number",
  description,
  ...more,
});
const integer = (description: string, minimum = 0): Schema => ({
  type: "integer",
  minimum,
  description,
});
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** An object whose properties are all required but those named. */
function object(properties: Readonly<Record<string, Schema>>, optional: string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", required, properties, additionalProperties: false };
}

const ALERT = object(
  {
    id: string("UUIDv7 of the event: the same in all its updates."),
    key: string("What makes two alerts the same event."),
    update: integer("0 while the event has one alert, then counting its updates."),
    state: string("", { enum: ["open", "closed"] }),
    detector: string("Name of the detector."),
    version: string("Version of the detector."),
    rule: integer("Stable id of the rule."),
    title: string("What the rule finds."),
    category: string("IDEA category, such as `Recon.Scanning`."),
    severity: number("0 (information) to 10."),
    confidence: number("0 to 1."),
    techniques: { type: "array", items: string("MITRE ATT&CK technique id.") },
    openedAt: time("Event time of the first alert."),
    updatedAt: time("Event time of the latest alert."),
    detectTime: time("Event time of the alert shown."),
    firstTime: time("First traffic it tells of."),
    lastTime: time("Last traffic it tells of."),
    source: ref("Endpoint"),
    target: ref("Endpoint"),
    protocol: integer("IP protocol number."),
    flows: number("Flows counted."),
    packets: number("Packets counted."),
    bytes: number("Bytes counted."),
    reason: string("Why it fired, in words, with the numbers. Text from the network: escape it."),
    observed: number("The value that fired."),
    threshold: number("The value it was held against."),
    baseline: number("The value that is usual."),
    evidence: {
      type: "array",
      items: {
        type: "object",
        description: "A flow record by UniRec field names, times in microseconds since 1970.",
      },
    },
    sensor: string("Name of the sensor."),
    interface: string("Interface, link or file the traffic was seen on."),
    triage: ref("Triage"),
  },
  ["triage", "protocol", "flows", "packets", "bytes", "observed", "threshold", "baseline"],
);

const millis = (description: string): Schema => ({ type: ["integer", "null"], description });

const CHANGES: Schema = {
  type: "array",
  items: string("A setting, what it was and what it is, as `meter.idle: 30 -> 60`."),
};

const COUNTS: Schema = { type: "object", additionalProperties: { type: "number" } };

const USER = object({
  id: integer("Number of the user."),
  name: string("Name, in lower case."),
  role: string("", { enum: ["viewer", "operator", "admin"] }),
  created: integer("Milliseconds since 1970."),
  disabled: { type: "boolean", description: "Whether the user is locked out." },
});

/** JSON Schemas (draft 2020-12, as OpenAPI 3.1 has it) of what the API answers. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Alert: ALERT,
  Triage: object({
    status: string("A muted event is stored, and no sink hears of it.", { enum: STATUSES }),
    note: string("Text of a user: escape it."),
    by: string("Who said so last."),
    at: time("When."),
  }),
  Endpoint: object(
    {
      ip: string("IPv4 or IPv6 address."),
      port: integer("Port."),
      count: integer("How many different addresses, where they are too many to name."),
    },
    ["ip", "port", "count"],
  ),
  AlertPage: object({
    items: { type: "array", maxItems: PAGE_MAX, items: ref("Alert") },
    next: { type: ["string", "null"], description: "`cursor` of the next page; null at the end." },
  }),
  Health: object({
    status: string("", { enum: ["ok", "degraded"] }),
    reasons: { type: "array", items: string("What is wrong, in words.") },
    notes: {
      type: "array",
      items: string("What is to be known and keeps nothing from its work: lists not fetched."),
    },
    version: string("Version of the product."),
    uptime: number("Seconds since the pipeline began."),
  }),
  Readiness: object({ ready: { type: "boolean", const: true } }),
  Stats: {
    type: "object",
    required: ["at", "uptime", "sources", "modules", "alerts", "rss", "finished", "store"],
    properties: {
      at: time("When the pipeline last reported."),
      uptime: number("Seconds since the pipeline began."),
      sources: {
        type: "array",
        items: { type: "object", description: "A capture: its meter's and the kernel's counters." },
      },
      modules: {
        type: "array",
        items: { type: "object", description: "A module: records by port, its counters." },
      },
      alerts: integer("Alerts sent by detectors, updates included."),
      mergeOverflows: integer("Times records went on unordered since too many were held."),
      ringDrops: integer("Flow records dropped between capture and detection."),
      outputDrops: integer("Flow records dropped for receivers that are too slow."),
      exported: { type: "object", description: "What was exported as IPFIX, if anything." },
      rss: integer("Resident memory, bytes."),
      finished: { type: "boolean", description: "The source has ended." },
      store: {
        type: "object",
        description: "Stored events by detector and severity; what became of the alerts.",
      },
    },
  },
  Session: object({
    csrf: string("Goes with everything that changes something, as X-CSRF-Token."),
    name: string("Name of the user."),
    role: string("", { enum: ["viewer", "operator", "admin"] }),
  }),
  Done: object({ done: { type: "boolean", const: true } }),
  User: USER,
  Users: object({ items: { type: "array", items: ref("User") } }),
  Tokens: object({
    items: {
      type: "array",
      items: object({
        id: integer("Number of the token."),
        name: string("What it is for."),
        scopes: { type: "array", items: string("What it may do.") },
        created: integer("Milliseconds since 1970."),
        expires: millis("When it ends; null for never."),
        lastUsed: millis("When it was used last; null for never."),
      }),
    },
  }),
  NewToken: object({
    id: integer("Number of the token."),
    token: string("The secret, told once."),
  }),
  Audit: object({
    items: {
      type: "array",
      items: object({
        seq: integer("Number of the entry."),
        at: integer("Milliseconds since 1970."),
        actor: string("Who did it or tried; text from outside: escape it."),
        action: string("What, as `login.fail`."),
        target: string("To what or whom."),
        detail: { type: "object", description: "More of it." },
        address: string("From where."),
      }),
    },
    next: { type: ["string", "null"], description: "`cursor` of the next page; null at the end." },
  }),
  Sinks: object({
    items: {
      type: "array",
      items: { type: "object", description: "A sink: name, state, counts, last error." },
    },
    queue: { type: "object", description: "The queue: its state, alerts and bytes in it." },
  }),
  Deliveries: object({
    items: {
      type: "array",
      items: object(
        {
          sink: string("Name of the sink."),
          state: string("`unknown` when many alerts came since.", {
            enum: ["delivered", "waiting", "dead", "not routed", "dropped", "unknown"],
          }),
          reason: string("Why, to those who may read the configuration. Escape it."),
        },
        ["reason"],
      ),
    },
  }),
  SinkTest: object(
    {
      accepted: integer("1 when the receiver has it."),
      refused: string("Why the receiver will never take it."),
      failure: string("Why it could not be sent now."),
      retryAfter: number("Milliseconds after which the receiver wants to be asked again."),
    },
    ["refused", "failure", "retryAfter"],
  ),
  DeadLetters: object({
    items: { type: "array", items: { type: "object", description: "An alert, and the reason." } },
  }),
  Config: object({
    revision: integer("Number of the revision.", 1),
    at: time("When it was put in force."),
    reason: string("What made it; text of a user: escape it."),
    body: string("The TOML file, as it was given."),
  }),
  ConfigRevisions: object({
    items: {
      type: "array",
      items: object({
        id: integer("Number of the revision.", 1),
        at: time("When it was put in force."),
        reason: string("What made it; text of a user: escape it."),
      }),
    },
  }),
  ConfigCheck: object({
    problems: { type: "array", items: ref("ConfigProblem") },
    changes: CHANGES,
  }),
  ConfigProblem: object({
    line: integer("Line of the text.", 1),
    column: integer("Column of the line.", 1),
    message: string("What is wrong, and what would be right."),
  }),
  ConfigApplied: object({
    revision: integer("Number of the revision that is in force now.", 1),
    changes: CHANGES,
    restarted: { type: "array", items: string("Name of a process that was started anew.") },
    pending: { type: "array", items: string("What is not at work yet, and what it waits for.") },
  }),
  Processes: object({ items: { type: "array", items: ref("Process") } }),
  Process: object({
    name: string("Unique: `capture@eth0`, `detectors`."),
    kind: string("", {
      enum: ["control", "capture", "detectors", "detector", "module", "command"],
    }),
    state: string("", {
      enum: ["starting", "running", "stopping", "stopped", "failed", "ended"],
    }),
    pid: { type: ["integer", "null"], description: "While it runs." },
    since: time("When it came into its state."),
    restarts: integer("Times it was started again after it had ended by itself."),
    reason: { type: ["string", "null"], description: "Why it last ended by itself." },
    retryAt: { type: ["string", "null"], description: "When it is started again." },
    cpu: number("CPU seconds since its start."),
    memory: number("Resident bytes."),
    modules: { type: "array", items: string("Name of a module.") },
  }),
  Log: object({
    items: {
      type: "array",
      items: object({
        at: time("When it was written."),
        level: string("", { enum: ["error", "warning", "notice", "info", "debug"] }),
        message: string("Text that may come from the network: escape it."),
      }),
    },
  }),
  Modules: object({ items: { type: "array", items: ref("Module") } }),
  Module: object({
    name: string("Unique."),
    kind: string("", { enum: ["detector", "module", "command"] }),
    about: string("What it does."),
    enabled: { type: "boolean" },
    process: { type: ["string", "null"], description: "The process it runs in." },
    params: { type: "object", description: "Parameters that the configuration sets." },
    inputs: COUNTS,
    outputs: COUNTS,
    counters: COUNTS,
    busy: number("CPU seconds spent in its handlers."),
  }),
  Links: object({ items: { type: "array", items: ref("Link") } }),
  Link: object({
    from: string("A process that captures, a module, or `alerts`."),
    fromPort: string(""),
    to: string("A module, `alerts`, `sink:NAME`, or a TRAP interface."),
    toPort: string(""),
    via: string("The TRAP interface, `control` or `queue`."),
    records: number("Records that went over it."),
    dropped: number("Records that were lost on it."),
    queued: { type: ["number", "null"], description: "Records that wait." },
  }),
  Top: object({
    seconds: number("How long it looks back."),
    talkers: { type: "array", items: { type: "object" } },
    ports: { type: "array", items: { type: "object" } },
  }),
  Index: { type: "object", additionalProperties: { type: "string" } },
  OpenApi: { type: "object", required: ["openapi", "info", "paths"] },
  Problem: object(
    {
      type: string("Always `about:blank`: the status says it all."),
      title: string("What kind of error."),
      status: integer("The HTTP status."),
      detail: string("What is wrong, and what would be right."),
      errors: {
        type: "array",
        items: object(
          {
            parameter: string("Name of a parameter or field."),
            detail: string("What it takes."),
            line: integer("Line of a configuration.", 1),
            column: integer("Column of the line.", 1),
            message: string("What is wrong there."),
          },
          ["parameter", "detail", "line", "column", "message"],
        ),
      },
    },
    ["detail", "errors"],
  ),
};
