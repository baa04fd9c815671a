// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useRef } from "preact/hooks";
import { ALERT_FILTERS, hashOf } from "./routes.ts";

const LEAST = [
  ["", "any severity"],
  ["1", "low or more"],
  ["4", "medium or more"],
  ["7", "high or more"],
  ["9", "critical"],
] as const;

/** What is typed and chosen, as filters in the address. */
export function Filters({ query }: { readonly query: URLSearchParams }) {
  const severity = query.get("severity") ?? "";
  const form = useRef<HTMLFormElement>(null);
  // Fields follow the address, and keep the focus.
  useEffect(() => {
    for (const field of form.current!.querySelectorAll<HTMLInputElement>("[name]"))
      field.value = query.get(field.name) ?? "";
  }, [query]);
  const apply = (event: SubmitEvent): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const filled = [...fields].map(([name, value]) => [name, String(value).trim()]);
    const kept = ALERT_FILTERS.map((name) => [name, query.get(name) ?? ""]);
    location.hash = hashOf("alerts", { query: Object.fromEntries([...kept, ...filled]) });
  };
  // A link may ask for a severity that has no name here.
  const named = LEAST.some(([least]) => least === severity);
  return (
    <form class="filters" ref={form} onSubmit={apply} aria-label="Filters">
      <label>
        Severity
        <select name="severity">
          {LEAST.map(([least, name]) => (
            <option key={least} value={least}>
              {name}
            </option>
          ))}
          {named ? null : <option value={severity}>{severity} or more</option>}
        </select>
      </label>
      <label>
        Detector
        <input name="detector" autocomplete="off" />
      </label>
      <label>
        Address
        <input name="ip" autocomplete="off" />
      </label>
      <button type="submit">Filter</button>
      <a href={hashOf("alerts")}>Clear</a>
    </form>
  );
}
