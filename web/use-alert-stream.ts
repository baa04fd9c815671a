// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useRef, useState } from "preact/hooks";

const STREAM = "/api/v1/alerts/stream";

/** Milliseconds in which alerts that come close together cause one look: longer than the store takes to commit. */
const GATHER_MS = 300;

const REFUSED_MS = 30_000;

/**
 * Hear of alerts as they come, while the component is there; `onNew` is called soon after. The browser comes back by
 * itself and says which it had last, but an appliance that was started anew does not know which that was: `onNew` is
 * called each time the stream opens, for what came while it was closed.
 */
export function useAlertStream(onNew: () => void): {
  readonly isLive: boolean;
  /** Alerts that came since, updates included. */
  readonly arrived: number;
} {
  const [isLive, setLive] = useState(false);
  const [arrived, setArrived] = useState(0);
  const latest = useRef(onNew);
  latest.current = onNew;
  useEffect(() => {
    let source: EventSource;
    let look: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => {
      look ??= setTimeout(() => {
        look = undefined;
        latest.current();
      }, GATHER_MS);
    };
    const listen = (): void => {
      source = new EventSource(STREAM);
      source.onopen = () => {
        setLive(true);
        soon();
      };
      source.onerror = () => {
        setLive(false);
        // After a refusal, such as one listener too many, the browser does not come back by itself.
        if (source.readyState === EventSource.CLOSED) again = setTimeout(listen, REFUSED_MS);
      };
      source.addEventListener("alert", () => {
        setArrived((before) => before + 1);
        soon();
      });
    };
    listen();
    return () => {
      source.close();
      clearTimeout(look);
      clearTimeout(again);
    };
  }, []);
  return { isLive, arrived };
}
