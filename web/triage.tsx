// SPDX-License-Identifier: BSD-3-Clause
import { useState } from "preact/hooks";
import { type Alert, patch, wordsOf } from "./api.ts";
import { Card } from "./parts.tsx";

type Status = NonNullable<Alert["triage"]>["status"];

const STATUSES: readonly (readonly [Status, string])[] = [
  ["new", "new"],
  ["acknowledged", "acknowledged"],
  ["false-positive", "false positive"],
  ["muted", "muted: no sink hears of it"],
];

/** What somebody makes of an event: said here, kept by the appliance, seen by all. */
export function Triage({
  path,
  triage,
  csrf,
  onKept,
}: {
  readonly path: string;
  readonly triage: Alert["triage"];
  readonly csrf: string;
  readonly onKept: () => void;
}) {
  const [said, setSaid] = useState("");
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const body = { status: String(fields.get("status")), note: String(fields.get("note")) };
    try {
      const { triage: kept } = await patch<Alert>(path, body, csrf);
      setSaid(`Kept: ${kept?.status}`);
      onKept();
    } catch (error) {
      setSaid(wordsOf(error));
    }
  };
  return (
    <Card title="Triage">
      <form class="filters" onSubmit={save} aria-label="Triage">
        <label>
          Status
          <select name="status">
            {STATUSES.map(([status, words]) => (
              <option key={status} value={status} selected={status === triage?.status}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          Note
          <input name="note" defaultValue={triage?.note ?? ""} autocomplete="off" />
        </label>
        <button type="submit">Keep</button> <span role="status">{said}</span>
      </form>
    </Card>
  );
}
