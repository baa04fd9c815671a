// SPDX-License-Identifier: BSD-3-Clause
/** A migration, imported as text so that a bundle carries it. */
declare module "*.sql" {
  const text: string;
  export default text;
}
