// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../../errors.ts";
import { PROTOCOLS } from "../../metadata/protocols.ts";
import { isUniRecType, type UniRecType } from "../../unirec/types.ts";
import { isTold } from "./element-types.ts";
import { FALLBACKS, UNIREC_ELEMENTS } from "./elements.ts";

/** An information element. */
export interface ElementRef {
  readonly enterprise: number;
  /** -1 where it goes by its name: no element has it. */
  readonly number: number;
  /** The name that an exporter tells for it (RFC 5610); empty where it goes by its number. */
  readonly name: string;
  /** The list (RFC 6313) that has it: 291, 292 or 293; 0 where the record itself has it. */
  readonly list: number;
}

const BLANKS = /\s+/;
const LINE_ENDS = /[\n;]/;
const COMMENT = /#.*/;
const NAME = /^[A-Z]\w*$/;
/** `e9id1`, or `e9:name` of an enterprise's element that its exporter describes; in a list or not. */
const ELEMENT = /^(?:e0id(29[123])\/)?e(\d+)(?:id(\d+)|:([\w.-]+))$/;

/** Where the values of UniRec fields come from, by name: the elements, the best first. */
export class Mapping {
  readonly #elements = new Map<string, ElementRef[]>();
  readonly #types = new Map<string, UniRecType>();

  /**
   * All that is built in, and what an operator adds, in lines of `type NAME element,element`; these come before those built in.
   * @throws {NemeanError} ERR_PARAM that shows the line
   */
  constructor(added = "") {
    for (const line of linesOf(added)) this.#add(line, true);
    for (const line of linesOf(UNIREC_ELEMENTS)) this.#add(line);
    for (const { fields, elements } of PROTOCOLS)
      for (const { name, type } of fields.fields) this.#add(`${type} ${name} ${elements[name]}`);
    for (const line of linesOf(FALLBACKS)) this.#add(line);
  }

  /** Best first; none for a field that no element is known for. */
  elementsOf(name: string): readonly ElementRef[] {
    return this.#elements.get(name) ?? [];
  }

  /** The type a field has where nobody says another. */
  typeOf(name: string): UniRecType | undefined {
    return this.#types.get(name);
  }

  #add(line: string, isAdded = false): void {
    const [type = "", name = "", words = ""] = line.split(BLANKS);
    const refs = words.split(",").map(refOf);
    if (!isUniRecType(type) || !NAME.test(name) || refs.some((ref) => ref === undefined))
      throw new NemeanError(
        "ERR_PARAM",
        EXIT.config,
        `not a mapping: "${line}"; write "uint32 NAME e0id1,e8057id2": type, UniRec field, information elements`,
      );
    if (!this.#types.has(name)) this.#types.set(name, type);
    const known = this.#elements.get(name) ?? [];
    // In a line the last is the best; a later line has only what stands in.
    const better = (refs as ElementRef[]).reverse();
    this.#elements.set(name, isAdded ? [...better, ...known] : [...known, ...better]);
  }
}

const linesOf = (text: string): string[] =>
  text
    .split(LINE_ENDS)
    .map((line) => line.replace(COMMENT, "").trim())
    .filter((line) => line !== "");

function refOf(word: string): ElementRef | undefined {
  const [, list = 0, enterprise, number = -1, name = ""] = ELEMENT.exec(word) ?? [];
  if (enterprise === undefined) return undefined;
  const ref = { enterprise: Number(enterprise), number: Number(number), name, list: Number(list) };
  return name === "" || isTold(ref) ? ref : undefined;
}
