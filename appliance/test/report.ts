// SPDX-License-Identifier: BSD-3-Clause

/** Lines of a run: what held, what did not, and figures. */
export class Report {
  #passed = 0;
  #failed = 0;

  title(text: string): void {
    console.log(`\n${text}`);
  }

  figure(name: string, text: string): void {
    console.log(`        ${name}: ${text.trim()}`);
  }

  check(what: string, holds: boolean, otherwise = ""): void {
    if (holds) this.#passed += 1;
    else this.#failed += 1;
    console.log(holds ? `  ok    ${what}` : `  FAIL  ${what} ${otherwise}`.trimEnd());
  }

  /** The closing line; whether all held. */
  close(): boolean {
    console.log(`\n${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0;
  }
}
