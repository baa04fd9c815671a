// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync } from "node:fs";
import { EXIT, messageOf, NemeanError, usageError } from "../core/errors.ts";
import { defineModule, param } from "../core/module.ts";
import type { AnyReader } from "../core/unirec/reader.ts";
import { ANY_RECORDS, type Template } from "../core/unirec/template.ts";
import { TextWriter } from "../core/unirec/text-writer.ts";
import { SECOND, timeText } from "../core/unirec/time.ts";
import { writeAll } from "../core/write-all.ts";

/** Characters of a time of whole seconds: `2024-01-02T03:04:05`. */
const SECONDS_TEXT = 19;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\f": "\f",
  "\\n": "\n",
  "\\r": "\r",
  "\\t": "\t",
  "\\v": "\v",
};
/** What values and headers are made of (unirec.md section 7). */
const IN_VALUES = /^[A-Za-z0-9|:.[\]"-]$/;
const ASCII_LAST = 0x7e;

export default defineModule({
  name: "logger",
  about: "Writes records as text, one a line, to a file or to standard output.",
  details: `
**For** looking at what a stream carries, and for keeping it: \`logreplay\` sends such a file again. It takes records of
any fields. Values are separated by commas, strings are in quotes, the elements of arrays stand between \`[\` and \`]\`.

**Lines** go out with the batch that brought them, so that they can be followed, and a header line (\`-t\`) says which
field each column is. When the reader of a pipe has gone (\`| head\`), it ends as after \`-c\`.

**Deviates** from NEMEA's logger: where the sender's fields change, a new header tells where the new columns begin (the
original goes on without one, and its file cannot be read); the time of reception is followed by the delimiter, not always
by a comma; a delimiter that occurs in values is refused; strings keep their UTF-8. \`-o\`, which the original accepts and
does not support, is not there.
`,
  replaces: "logger",
  params: {
    write: param.text({
      default: "",
      about: "File to write, emptied first; standard output where no file is given",
      flag: "w",
    }),
    append: param.text({ default: "", about: "File to append to", flag: "a" }),
    header: param.flag({
      default: false,
      about: "Write a header line of types and names, and a new one when the fields change",
      flag: "t",
    }),
    receptionTime: param.flag({
      default: false,
      about: "Put the time of reception (UTC) in front as a column `time`",
      flag: "T",
    }),
    recordsMax: param.count({
      default: Number.MAX_SAFE_INTEGER,
      about: "End after so many records; 0 with a header writes only that",
      flag: "c",
    }),
    delimiter: param.text({
      default: ",",
      about:
        "Character between two values; `\\f`, `\\n`, `\\r`, `\\t` and `\\v` have their usual meaning",
      flag: "d",
    }),
  },
  inputs: { flows: ANY_RECORDS },
  outputs: {},

  setup({ params, clock, stop }) {
    const { header, receptionTime, recordsMax } = params;
    const delimiter = delimiterOf(params.delimiter);
    const file = new TextFile(params.write, params.append);
    const text = new TextWriter((bytes) => file.write(bytes), { delimiter });
    let layout: Template | undefined;
    let records = 0;
    let second = -1;

    /** The same fields announced again, as after a reconnection, are no change. */
    function take(next: Template): void {
      if (header && next.spec !== layout?.spec)
        text.header(next, receptionTime ? `time${delimiter}` : "");
      layout = next;
    }

    function mark(): void {
      const now = Math.floor(clock.now() / SECOND);
      if (now === second) return;
      second = now;
      text.lead = Buffer.from(timeText(now * SECOND).slice(0, SECONDS_TEXT) + delimiter);
    }

    return {
      announced(next) {
        take(next);
        if (recordsMax === 0) stop();
      },
      flows(flows) {
        const cursor = flows as never as AnyReader;
        const { layout: next } = cursor;
        if (receptionTime) mark();
        while (records < recordsMax && cursor.next()) {
          text.record(cursor, next);
          records++;
        }
        text.flush();
        if (records >= recordsMax || file.unread) stop();
      },
      end: () => file.close(),
    };
  },
});

/** Where the text goes. */
class TextFile {
  /** The reader of the pipe has gone: what is still to be written is dropped. */
  unread = false;
  readonly #fd: number;
  readonly #name: string;

  /**
   * `-` and no name at all are standard output.
   * @throws {NemeanError} ERR_USAGE when both are given, ERR_OUTPUT when the file cannot be opened
   */
  constructor(write: string, append: string) {
    if (write !== "" && append !== "")
      throw usageError(`logger: give one of -w ${write} and -a ${append}, not both`);
    const path = write || append || "-";
    this.#name = path === "-" ? "standard output" : path;
    try {
      this.#fd = path === "-" ? 1 : openSync(path, append === "" ? "w" : "a");
    } catch (error) {
      const why = `logger: cannot write ${path}: ${messageOf(error)}`;
      throw new NemeanError("ERR_OUTPUT", EXIT.cannotCreate, why);
    }
  }

  write(bytes: Uint8Array): void {
    if (this.unread) return;
    try {
      writeAll(this.#fd, bytes, this.#name);
    } catch (error) {
      if (!(error instanceof NemeanError) || error.exitCode !== EXIT.ok) throw error;
      this.unread = true;
    }
  }

  close(): void {
    if (this.#fd !== 1) closeSync(this.#fd);
  }
}

/** @throws {NemeanError} ERR_USAGE when it is no single character, or one that values are made of */
function delimiterOf(text: string): string {
  const delimiter = ESCAPES[text] ?? text;
  if (delimiter.length !== 1 || delimiter.charCodeAt(0) > ASCII_LAST)
    throw usageError(`logger: -d "${text}": expected one ASCII character, or \\f \\n \\r \\t \\v`);
  if (IN_VALUES.test(delimiter))
    throw usageError(`logger: -d "${text}": values contain it; take another, as ; or \\t`);
  return delimiter;
}
