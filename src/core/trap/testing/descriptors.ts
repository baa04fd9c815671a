// SPDX-License-Identifier: BSD-3-Clause
import { dlopen } from "bun:ffi";

/** Do something while the process may open nothing more. */
export function withoutDescriptors(act: () => void): void {
  const NOFILE = 7;
  const { symbols, close } = dlopen("libc.so.6", {
    getrlimit: { args: ["i32", "ptr"], returns: "i32" },
    setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  });
  const before = new BigUint64Array(new ArrayBuffer(16));
  symbols.getrlimit(NOFILE, before);
  const none = new BigUint64Array(new ArrayBuffer(16));
  none.set([3n, before[1]!]);
  symbols.setrlimit(NOFILE, none);
  try {
    act();
  } finally {
    symbols.setrlimit(NOFILE, before);
    close();
  }
}
