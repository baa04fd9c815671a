// SPDX-License-Identifier: BSD-3-Clause
import { openLive } from "../collectors/live/index.ts";
import { type BatchRing, RingWriter } from "../core/batch-ring.ts";
import { Meter, type MeterOptions } from "../core/flow/meter.ts";
import { SECOND } from "../core/unirec/time.ts";
import type { WorkerMessage } from "./worker.ts";

export interface CapturePlan {
  readonly interface: string;
  readonly filter?: string;
  readonly ringBytes?: number;
  readonly backend?: "auto" | "ring" | "libpcap";
  readonly meter: MeterOptions;
  readonly ring: BatchRing;
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
/** Microseconds by which capture time may lag the wall clock: blocks retire after 60 ms. */
const CAPTURE_LAG = 0.5 * SECOND;

/** Capture and meter until told to stop; then drain the ring and export all flows. */
export function runCapture(plan: CapturePlan, parent: Parent): void {
  const { index, count } = plan.worker;
  using source = openLive({
    interface: plan.interface,
    ...(plan.filter === undefined ? {} : { filter: plan.filter }),
    ...(plan.ringBytes === undefined ? {} : { ringBytes: plan.ringBytes }),
    ...(plan.backend === undefined ? {} : { backend: plan.backend }),
    ...(count === 1 ? {} : { fanout: { group: process.pid & 0xffff, workers: count } }),
  });
  const meter = new Meter(plan.meter);
  meter.flows.link(new RingWriter(plan.ring));
  const report = (): void =>
    parent.tell({
      kind: "source",
      source: {
        name: count === 1 ? plan.interface : `${plan.interface}/${index}`,
        kind: "live",
        workers: 1,
        meter: meter.stats(),
        capture: source.stats(),
      },
    });
  parent.tell({ kind: "ready" });
  let next = 0;
  while (!parent.stopped()) {
    const frames = source.poll(POLL_MS, meter.frames);
    const now = performance.now();
    // A silent tap must not stop event time: flows end and detectors tick by the wall clock then.
    if (frames === 0) meter.advance(Date.now() * 1000 - CAPTURE_LAG);
    if (now < next) continue;
    next = now + REPORT_MS;
    report();
  }
  source.drain(meter.frames);
  meter.end();
  report();
}
