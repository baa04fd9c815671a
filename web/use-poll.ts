// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useState } from "preact/hooks";
import { get, wordsOf } from "./api.ts";

export interface Polled<T> {
  /** The latest answer, kept when a later one fails. */
  readonly data?: T;
  /** When it came, in seconds of a clock that never goes back. */
  readonly at?: number;
  /** Why there is no newer one. */
  readonly error?: string;
  /** Ask now: something was changed. */
  readonly again: () => void;
}

/** Ask a path now and then again and again, until the component goes or asks another; null asks nothing. */
export function usePoll<T>(path: string | null, milliseconds: number): Polled<T> {
  const [asked, setAsked] = useState(0);
  const [polled, setPolled] = useState<Omit<Polled<T>, "again"> & { readonly path: string | null }>(
    { path },
  );
  // A change of `asked` asks anew.
  useEffect(() => {
    if (path === null) return;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const data = await get<T>(path, gone.signal);
        // Another path is asked by now, and may have been answered.
        if (gone.signal.aborted) return;
        setPolled({ path, data, at: performance.now() / 1000 });
      } catch (error) {
        if (gone.signal.aborted) return;
        setPolled((before) => ({
          ...(before.path === path ? before : {}),
          path,
          error: wordsOf(error),
        }));
      }
      // After the answer, so that a slow appliance is not asked faster than it answers.
      if (!gone.signal.aborted) timer = setTimeout(ask, milliseconds);
    };
    void ask();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path, milliseconds, asked]);
  const again = (): void => setAsked((before) => before + 1);
  // An answer to the path before is none to this one.
  return polled.path === path ? { ...polled, again } : { again };
}
