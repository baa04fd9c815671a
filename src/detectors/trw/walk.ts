// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";

/** What a walk is about, each a probability. */
export interface WalkOptions {
  /** A first contact succeeds: of a harmless host (theta 0 in the paper), of a scanner (theta 1). */
  readonly successBenign: number;
  readonly successScanner: number;
  /** A harmless host is taken for a scanner (alpha), a scanner is found (beta). */
  readonly falseAlarms: number;
  readonly detection: number;
}

/**
 * The sequential test of Jung, Paxson, Berger and Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis
 * Testing" (IEEE Symposium on Security and Privacy 2004), section 4.1.
 *
 * A walk is the logarithm of how much likelier a host's first contacts are for a scanner than for a harmless host. It is decided at the bounds
 * log(beta / alpha) and log((1 - beta) / (1 - alpha)). There it stays: the paper ends a test, here hosts go on, and a harmless one that is
 * infected has to come back from one bound to the other.
 */
export class Walk {
  readonly scanner: number;
  readonly benign: number;
  readonly failure: number;
  readonly success: number;

  /** @throws {NemeanError} ERR_PARAM where the chances leave nothing to decide */
  constructor(options: WalkOptions) {
    const { successBenign, successScanner, falseAlarms, detection } = options;
    if (!(0 < successScanner && successScanner < successBenign && successBenign < 1))
      throw paramError("trw: expected 0 < successScanner < successBenign < 1");
    if (!(0 < falseAlarms && falseAlarms < detection && detection < 1))
      throw paramError("trw: expected 0 < falseAlarms < detection < 1");
    this.scanner = Math.log(detection / falseAlarms);
    this.benign = Math.log((1 - detection) / (1 - falseAlarms));
    this.failure = Math.log((1 - successScanner) / (1 - successBenign));
    this.success = Math.log(successScanner / successBenign);
  }

  /** Where a walk goes from `at`. */
  step(at: number, hasSucceeded: boolean): number {
    const next = at + (hasSucceeded ? this.success : this.failure);
    return Math.min(this.scanner, Math.max(this.benign, next));
  }

  isScanner(at: number): boolean {
    return at >= this.scanner;
  }

  isBenign(at: number): boolean {
    return at <= this.benign;
  }
}
