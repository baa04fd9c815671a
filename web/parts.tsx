// SPDX-License-Identifier: BSD-3-Clause
/** Small pieces that pages share. @module */
import type { ComponentChildren } from "preact";
import { severityName } from "./format.ts";

/** A number to be read at a glance. */
export function Figure({
  label,
  value,
  note,
  bad = false,
}: {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly bad?: boolean;
}) {
  return (
    <div class={bad ? "figure bad" : "figure"}>
      <span class="label">{label}</span>
      <strong>{value}</strong>
      {note === undefined ? null : <span class="note">{note}</span>}
    </div>
  );
}

export function Card({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="card">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Something that went wrong; read out when it appears. */
export function Trouble({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : (
    <p class="trouble" role="alert">
      {text}
    </p>
  );
}

/** Severity by number and name: colour alone tells nobody who cannot see it. */
export function Severity({ value }: { readonly value: number }) {
  const name = severityName(value);
  return (
    <span class={`severity ${name}`}>
      {value} {name}
    </span>
  );
}

/** A table that is wider than a small screen scrolls by itself, by keyboard too. */
export function Scroll({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
