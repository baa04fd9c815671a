// SPDX-License-Identifier: BSD-3-Clause
/** Buttons that change something, and ask before. @module */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";

/** What is being done, and how it went, in words that are read out. */
export interface Doing {
  readonly busy: boolean;
  readonly said: string;
  /** Do something; what it returns is said when it went well, the reason when it did not. */
  readonly run: (work: () => Promise<string>) => Promise<void>;
}

export function useDoing(): Doing {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const run = async (work: () => Promise<string>): Promise<void> => {
    setBusy(true);
    setSaid("");
    try {
      setSaid(await work());
    } catch (error) {
      setSaid(wordsOf(error));
    }
    setBusy(false);
  };
  return { busy, said, run };
}

/** A button that asks whether one is sure: a dialogue that Escape leaves, and that gives the focus back. */
export function AskButton({
  label,
  name,
  question,
  children,
  disabled = false,
  onSure,
}: {
  readonly label: string;
  /** What it is pressed on, for who does not see where it stands. */
  readonly name?: string;
  readonly question: string;
  /** What one should know before, or fill in. */
  readonly children?: ComponentChildren;
  readonly disabled?: boolean;
  readonly onSure: (fields: FormData) => Promise<void>;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  // When the form is in it: the focus goes to the form's first control.
  useLayoutEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  const sure = (event: SubmitEvent): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    dialog.current?.close();
    void onSure(fields);
  };
  return (
    <>
      <button
        type="button"
        disabled={disabled}
        onClick={() => setOpen(true)}
        aria-label={name === undefined ? undefined : `${label} ${name}`}
      >
        {label}
      </button>
      <dialog ref={dialog} aria-label={question} onClose={() => setOpen(false)}>
        {isOpen ? (
          <form onSubmit={sure}>
            <p class="question">{question}</p>
            {children}
            <p class="buttons">
              <button type="button" onClick={() => dialog.current?.close()}>
                Cancel
              </button>
              <button type="submit" class="sure">
                {label}
              </button>
            </p>
          </form>
        ) : null}
      </dialog>
    </>
  );
}
