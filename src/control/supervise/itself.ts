// SPDX-License-Identifier: BSD-3-Clause

/** Where a compiled program keeps its files. */
const COMPILED = "/$bunfs/";

/** The words that run this very program: from its source, from a bundle, or compiled. */
export const itself = (): string[] =>
  Bun.main.startsWith(COMPILED) ? [process.execPath] : [process.execPath, Bun.main];
