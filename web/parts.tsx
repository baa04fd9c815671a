// SPDX-License-Identifier: BSD-3-Clause
/** Small pieces that pages share. @module */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { severityName } from "./format.ts";

let isFirstPage = true;

/** The heading of a page. It takes the focus when its page takes the place of another one, so that the page is read from there. */
export function Heading({ children }: { readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus();
    isFirstPage = false;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

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
      {note === undefined || note === value ? null : <span class="note">{note}</span>}
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

/** Says that an answer is on its way, as long as there is neither one nor a reason why not. */
export function Waiting({ on }: { readonly on: { data?: unknown; error?: string } }) {
  return on.data === undefined && on.error === undefined ? <p class="note">Loading …</p> : null;
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

/** What is larger than its place, as a table on a small screen, scrolls by itself, by keyboard too. */
export function Scroll({
  label,
  name = "scroll",
  children,
}: {
  readonly label: string;
  /** Its class. */
  readonly name?: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class={name} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

/** A password to be typed; a new one has at least 12 characters. */
export function PasswordField({
  label,
  name = "password",
  isNew = false,
}: {
  readonly label: string;
  readonly name?: string;
  readonly isNew?: boolean;
}) {
  return (
    <label>
      {label}
      <input
        type="password"
        name={name}
        required
        minLength={isNew ? 12 : 1}
        autocomplete={isNew ? "new-password" : "current-password"}
      />
    </label>
  );
}

/** Names and values; what is undefined is left out. */
export function Facts({
  facts,
}: {
  readonly facts: readonly (readonly [string, ComponentChildren])[];
}) {
  return (
    <dl>
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** Head of a table: names of columns; those of numbers, which stand to the right, in `numbers`. */
export function Columns({
  names,
  numbers = [],
}: {
  readonly names: readonly string[];
  readonly numbers?: readonly string[];
}) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th key={name} scope="col" class={numbers.includes(name) ? "number" : undefined}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}
