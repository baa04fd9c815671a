// SPDX-License-Identifier: BSD-3-Clause
import { type LiveSource, openLive } from "../collectors/live/index.ts";
import { type BatchRing, RingWriter } from "../core/batch-ring.ts";
import { messageOf } from "../core/errors.ts";
import type { Meter, MeterOptions } from "../core/flow/meter.ts";
import { SECOND } from "../core/unirec/time.ts";
import { meterWith, type PluginPlan } from "./plugins.ts";
import type { WorkerMessage } from "./worker.ts";

export interface CapturePlan {
  readonly interface: string;
  readonly filter?: string;
  readonly ringBytes?: number;
  readonly backend?: "auto" | "ring" | "libpcap";
  readonly meter: MeterOptions;
  readonly plugins?: PluginPlan;
  /** One for each port of the meter. */
  readonly rings: readonly BatchRing[];
  /** Which of how many Workers this is: the kernel spreads flows over them. */
  readonly worker: { readonly index: number; readonly count: number };
}

interface Parent {
  stopped(): boolean;
  tell(message: WorkerMessage): void;
}

/** Milliseconds a poll waits: how late the stop flag is seen. */
const POLL_MS = 100;
const REPORT_MS = 250;
/** Milliseconds between attempts to open an interface that went away. */
const REOPEN_MS = 1000;
/** Microseconds by which capture time may lag the wall clock: blocks retire after 60 ms. */
const CAPTURE_LAG = 0.5 * SECOND;

/** Capture and meter until told to stop; then drain the ring and export all flows. */
export function runCapture(plan: CapturePlan, parent: Parent): void {
  const name = plan.worker.count === 1 ? plan.interface : `${plan.interface}/${plan.worker.index}`;
  using source = open(plan);
  const { meter, flows } = meterWith(plan.meter, plan.plugins);
  const writers = plan.rings.map((ring) => new RingWriter(ring));
  for (const [i, port] of flows.entries()) port.link(writers[i]!);
  const recovery = new Recovery(source, (why) =>
    parent.tell({ kind: "warning", message: `${name}: ${why}` }),
  );
  const report = (): void =>
    parent.tell({
      kind: "source",
      source: {
        name,
        kind: "live",
        workers: 1,
        meter: meter.stats(),
        capture: { ...source.stats(), state: source.state },
      },
    });
  report();
  parent.tell({ kind: "ready" });
  let next = 0;
  while (!parent.stopped()) {
    const before = inFlows(meter);
    const frames = source.poll(POLL_MS, meter.frames);
    if (frames === 0 && source.state === "gone") recovery.try();
    // A tap without IP packets must not stop event time: flows end and detectors tick by the wall clock then.
    if (inFlows(meter) === before) meter.advance(Date.now() * 1000 - CAPTURE_LAG);
    if (performance.now() < next) continue;
    next = performance.now() + REPORT_MS;
    report();
  }
  source.drain(meter.frames);
  // Nothing is captured any more that waiting could lose.
  for (const writer of writers) writer.patient = true;
  meter.end();
  report();
}

function open({ interface: name, filter, ringBytes, backend, worker }: CapturePlan): LiveSource {
  return openLive({
    interface: name,
    ...(filter === undefined ? {} : { filter }),
    ...(ringBytes === undefined ? {} : { ringBytes }),
    ...(backend === undefined ? {} : { backend }),
    ...(worker.count === 1
      ? {}
      : { fanout: { group: process.pid & 0xffff, workers: worker.count } }),
  });
}

/** Packets accounted to flows so far. */
function inFlows(meter: Meter): number {
  const { packets, ignored } = meter.stats();
  return packets - ignored.nonIp - ignored.malformed - ignored.unknownLink;
}

/** Opens an interface anew that went away, once it is there again. */
class Recovery {
  readonly #source: LiveSource;
  readonly #warn: (why: string) => void;
  /** When to try next. */
  #next: number | undefined;
  #told = "";

  constructor(source: LiveSource, warn: (why: string) => void) {
    this.#source = source;
    this.#warn = warn;
  }

  /** Called while it is gone and nothing comes any more; sleeps when it is too early to try again. */
  try(): void {
    const now = performance.now();
    // Not at once: the block that was being filled is handed over first.
    this.#next ??= now + REOPEN_MS;
    if (now < this.#next) Bun.sleepSync(POLL_MS);
    else this.#next = this.#reopened() ? undefined : now + REOPEN_MS;
  }

  #reopened(): boolean {
    // The kernel lets no socket of the new interface into a fanout group that one of the old is still in.
    this.#source.close();
    try {
      const open = this.#source.reopen();
      this.#say(open ? "is back, capture goes on" : "is gone; capture goes on once it is back");
      return open;
    } catch (error) {
      this.#say(`cannot be opened again yet: ${messageOf(error)}`);
      return false;
    }
  }

  /** Once, however often it is tried. */
  #say(why: string): void {
    if (why !== this.#told) this.#warn(why);
    this.#told = why;
  }
}
