// SPDX-License-Identifier: BSD-3-Clause
/** What processes with TRAP interfaces have in common: the loop's environment, outputs, service, the way to end. @module */
import { messageOf, NemeanError } from "../core/errors.ts";
import { IpfixExporter, type IpfixStats } from "../core/ipfix/exporter.ts";
import { parseIpfix } from "../core/ipfix/specifier.ts";
import type { Log } from "../core/log.ts";
import { Poller } from "../core/net/poller.ts";
import type { OutputPort } from "../core/port.ts";
import { openOutput, socketFolder } from "../core/trap/index.ts";
import type {
  OutputStats,
  TrapEnvironment,
  TrapInput,
  TrapOutput,
} from "../core/trap/interface.ts";
import { openService, type ServiceSocket } from "../core/trap/service.ts";
import { type OutputSpec, parseInterfaces } from "../core/trap/specifier.ts";
import type { LinkStats } from "./snapshot.ts";

/** Milliseconds that receivers have to take what is left once the process is told to stop. */
const STOPPED_DRAIN_MS = 1000;
/** The same where what was observed to the end is to arrive: the last flows of a capture. */
const LAST_MS = 5000;
/** The same at the end of the stream, for outputs that do not wait. */
const DRAIN_MS = 10_000;

/** What a thread's interfaces share. */
export const trapEnvironment = (stopped: () => boolean, log: Log): TrapEnvironment => ({
  poller: new Poller(stopped),
  log,
  socketFolder: socketFolder(),
  socketGroup: process.env["TRAP_SOCKET_GROUP"],
});

/** Open the outputs that all get the same records; `patient` ones wait for their receivers. */
export function openOutputs(
  specs: readonly OutputSpec[],
  patient: boolean,
  env: TrapEnvironment,
): TrapOutput[] {
  const outputs: TrapOutput[] = [];
  try {
    for (const spec of specs) outputs.push(openOutput(spec, patient ? "WAIT" : "NO_WAIT", env));
  } catch (error) {
    for (const output of outputs) output.close();
    throw error;
  }
  return outputs;
}

/** The service socket; a process works without it as well, where its folder cannot be written. */
export function serviceOf(
  inputs: readonly TrapInput[],
  outputs: readonly TrapOutput[],
  env: TrapEnvironment,
): ServiceSocket | undefined {
  try {
    return openService(
      {
        inputs: () => inputs.map(({ stats }) => stats),
        outputs: () => outputs.map(({ stats }) => stats),
      },
      env,
    );
  } catch (error) {
    if (!(error instanceof NemeanError)) throw error;
    env.log("notice", `no service socket: ${messageOf(error)}`);
    return undefined;
  }
}

/** Turn the loop until receivers have what was sent, for a time that depends on why it ends. */
export function drain(
  outputs: readonly Pick<TrapOutput, "drained">[],
  { poller }: TrapEnvironment,
  patient: boolean,
): void {
  const began = performance.now();
  let stoppedAt = poller.stopped ? began : Number.POSITIVE_INFINITY;
  while (!outputs.every(({ drained }) => drained)) {
    const now = performance.now();
    if (stoppedAt === Number.POSITIVE_INFINITY && poller.stopped) stoppedAt = now;
    if (now - stoppedAt > STOPPED_DRAIN_MS || (!patient && now - began > DRAIN_MS)) return;
    poller.turn(undefined, "outlet");
  }
}

/** An output's counters, as of what goes from one place to another. */
export const linkOf = (
  from: string,
  port: string,
  { type, id, ...stats }: OutputStats,
): LinkStats => ({
  from,
  port,
  via: `${type}:${id}`,
  records: stats.messages,
  dropped: stats.dropped,
  unheard: stats.unheard,
  receivers: stats.clientCount,
});

/** Where a meter's flows are sent. */
export interface FlowTargets {
  /** TRAP interfaces, divided by commas. */
  readonly interfaces?: string;
  /** An IPFIX collector. */
  readonly ipfix?: string;
}

/** Outputs that send the flows of a meter, beside whatever else its ports are linked to. */
export class FlowOutputs {
  readonly #env: TrapEnvironment;
  readonly #outputs: readonly TrapOutput[];
  readonly #service: ServiceSocket | undefined;
  readonly #exporter: IpfixExporter | undefined;
  readonly #patient: boolean;

  /**
   * @param patient whether they wait for slow receivers, and for the first one, unless a specifier says otherwise
   * @throws {NemeanError} ERR_TRAP, ERR_SOCKET
   */
  constructor({ interfaces, ipfix }: FlowTargets, patient: boolean, env: TrapEnvironment) {
    this.#env = env;
    this.#patient = patient;
    const specs = interfaces?.split(",").length ?? 0;
    const outputs = specs > 0 ? parseInterfaces(interfaces!, 0, specs).outputs : [];
    this.#outputs = openOutputs(outputs, patient, env);
    this.#service = specs > 0 ? serviceOf([], this.#outputs, env) : undefined;
    if (ipfix !== undefined)
      this.#exporter = new IpfixExporter(parseIpfix(ipfix), { ...env, patient });
  }

  /**
   * Send the records of each port by the output of its place, and by those after them in rounds the ones of the first `out` ports: the
   * others are for modules, and no collector gets them.
   */
  attach(ports: readonly OutputPort[], out = ports.length): void {
    for (const [i, output] of this.#outputs.entries())
      output.attach(ports[i < ports.length ? i : (i - ports.length) % out]!);
    if (this.#exporter) for (const port of ports.slice(0, out)) this.#exporter.link(port);
  }

  /** Let receivers come and take; never waits. */
  turn(): void {
    this.#env.poller.turn(0);
  }

  /** The process ends before the stream does: receivers are not told that it has ended. */
  interrupt(): void {
    const patientUntil = performance.now() + LAST_MS;
    for (const output of this.#outputs) Object.assign(output, { endsStream: false, patientUntil });
  }

  /** What each output has sent. */
  get stats(): readonly OutputStats[] {
    return this.#outputs.map(({ stats }) => stats);
  }

  /** What was exported as IPFIX. */
  get exported(): IpfixStats | undefined {
    return this.#exporter?.stats;
  }

  /** Records lost since a receiver was too slow, or a collector not there. */
  get dropped(): number {
    const exported = this.#exporter?.stats.dropped ?? 0;
    return this.#outputs.reduce((sum, { stats }) => sum + stats.dropped, exported);
  }

  /** After the port has ended: give receivers time to take what is left, then close. */
  close(): void {
    this.#exporter?.finish();
    const all = this.#exporter ? [...this.#outputs, this.#exporter] : this.#outputs;
    drain(all, this.#env, this.#patient);
    for (const output of this.#outputs) output.close();
    this.#exporter?.close();
    this.#service?.close();
  }
}
