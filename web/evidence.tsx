// SPDX-License-Identifier: BSD-3-Clause
import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { cellText, columnsOf, type Flow, mainColumnsOf } from "./flow-fields.ts";
import { Facts, Scroll } from "./parts.tsx";

/** Flows as a table of what a reader looks for first; each opens to all of its fields. */
export function Evidence({ flows }: { readonly flows: readonly Flow[] }) {
  const [open, setOpen] = useState<number>();
  if (flows.length === 0) return <p>The detector names no flows.</p>;
  const columns = mainColumnsOf(flows);
  const hasMore = columnsOf(flows).length > columns.length;
  return (
    <Scroll label="Evidence">
      <table class="evidence">
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {hasMore ? <th scope="col">More</th> : null}
          </tr>
        </thead>
        <tbody>
          {flows.map((flow, i) => (
            <Fragment key={i}>
              <tr class="flow">
                {columns.map((name) => (
                  <td key={name}>{cellText(name, flow[name])}</td>
                ))}
                {hasMore ? (
                  <td>
                    <button
                      type="button"
                      class="link"
                      aria-expanded={i === open}
                      aria-label={`All fields of flow ${i + 1}`}
                      onClick={() => setOpen(i === open ? undefined : i)}
                    >
                      all fields
                    </button>
                  </td>
                ) : null}
              </tr>
              {i === open ? (
                <tr>
                  <td class="fields" colSpan={columns.length + 1}>
                    <Facts
                      facts={columnsOf([flow]).map((name) => [name, cellText(name, flow[name])])}
                    />
                  </td>
                </tr>
              ) : null}
            </Fragment>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
