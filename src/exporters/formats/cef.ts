// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import type { SinkPlace } from "../../core/exporter.ts";
import { boundedLine, type Cut } from "./bounded.ts";
import { charName, clip, jsonLine } from "./text.ts";
import { addressOf, finite, millis, portOf, protocolName, whole } from "./values.ts";

/** Lengths of the extension dictionary: longer values are cut by receivers, and not where we would. */
const NAME_MAX = 512;
const LABEL_MAX = 1023;
const HOST_MAX = 100;
const DEVICE_MAX = 255;
const CUSTOM_MAX = 4000;

const IN_HEADER = /[\\|]|[\p{Cc}\u2028\u2029]/gu;
const IN_VALUE = /[\\=]|[\p{Cc}\u2028\u2029]/gu;

/** ArcSight's Common Event Format, version 0. */
export const cefAlert = (alert: Alert, place: SinkPlace): string =>
  boundedLine(alert, (short, cut) => cefLine(short, place, cut));

function cefLine(alert: Alert, place: SinkPlace, cut: readonly Cut[]): string {
  const severity = Math.min(Math.max(Math.round(alert.severity) || 0, 0), 10);
  const version = clip(place.version, DEVICE_MAX);
  const fields = ["Nemean", "Nemean", version, alert.rule, clip(alert.title, NAME_MAX), severity];
  const extension = new Extension(cut);
  describeEvent(extension, alert, place);
  describeEnds(extension, alert);
  describeFinding(extension, alert);
  return `CEF:0|${fields.map(headerField).join("|")}|${extension.finish()}`;
}

function describeEvent(extension: Extension, alert: Alert, place: SinkPlace): void {
  extension.text("externalId", alert.id, DEVICE_MAX);
  extension.text("dvchost", place.host, HOST_MAX);
  extension.text("deviceExternalId", alert.sensor, DEVICE_MAX);
  extension.text("deviceInboundInterface", alert.interface, DEVICE_MAX);
  extension.text("cat", alert.category, LABEL_MAX);
  extension.number("rt", millis(alert.detectTime));
  extension.number("start", millis(alert.firstTime));
  extension.number("end", millis(alert.lastTime));
  extension.number("nemeanUpdate", alert.update);
  extension.text("nemeanKey", alert.key, LABEL_MAX);
}

function describeEnds(extension: Extension, alert: Alert): void {
  const { source, target } = alert;
  extension.text("src", addressOf(source, 4));
  extension.custom("c6a2", "Source IPv6 Address", addressOf(source, 6));
  extension.number("spt", portOf(source));
  extension.number("nemeanSourceCount", whole(source.count));
  extension.text("dst", addressOf(target, 4));
  extension.custom("c6a3", "Destination IPv6 Address", addressOf(target, 6));
  extension.number("dpt", portOf(target));
  extension.number("nemeanTargetCount", whole(target.count));
  extension.text("proto", protocolName(alert));
  extension.number("cnt", whole(alert.flows));
  // Not `in` and `out`: an alert's counts are not told apart by direction.
  extension.custom("flexNumber1", "packets", numberText(whole(alert.packets)));
  extension.custom("flexNumber2", "bytes", numberText(whole(alert.bytes)));
}

function describeFinding(extension: Extension, alert: Alert): void {
  extension.text("msg", alert.reason, LABEL_MAX);
  extension.measure(1, "observed", alert.observed);
  extension.measure(2, "threshold", alert.threshold);
  extension.measure(3, "baseline", alert.baseline);
  extension.custom("cfp4", "confidence", numberText(finite(alert.confidence)));
  extension.custom("cs1", "detector", alert.detector);
  extension.custom("cs2", "detector version", alert.version);
  extension.custom("cs3", "techniques", alert.techniques.join(",") || undefined);
  extension.custom("cs4", "state", alert.state);
  extension.evidence(alert.evidence);
}

const numberText = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : String(value);

/** The key-value pairs at the end of a message, and what did not go into them. */
class Extension {
  readonly #pairs: string[] = [];
  readonly #cut: Set<Cut>;

  constructor(cut: readonly Cut[]) {
    this.#cut = new Set(cut);
  }

  text(key: string, value: string | undefined, max: number = CUSTOM_MAX): void {
    if (value === undefined || value === "") return;
    if (value.length > max) this.#cut.add("text");
    this.#pairs.push(`${key}=${extensionValue(clip(value, max))}`);
  }

  number(key: string, value: number | undefined): void {
    if (value !== undefined) this.#pairs.push(`${key}=${value}`);
  }

  /** A custom field, which says in a second one what it holds. */
  custom(key: string, label: string, value: string | undefined): void {
    if (value === undefined || value === "") return;
    this.#pairs.push(`${key}Label=${label}`);
    this.text(key, value);
  }

  /** A number among the custom fields, which has one place for whole numbers and one for others. */
  measure(place: 1 | 2 | 3, label: string, value: number | undefined): void {
    const key = Number.isSafeInteger(value) ? "cn" : "cfp";
    this.custom(`${key}${place}`, label, numberText(finite(value)));
  }

  /** As many whole flows as their field holds. */
  evidence(flows: Alert["evidence"]): void {
    const texts: string[] = [];
    let length = 1;
    for (const flow of flows) {
      const text = jsonLine(flow);
      length += text.length + 1;
      if (length > CUSTOM_MAX) {
        this.#cut.add("evidence");
        break;
      }
      texts.push(text);
    }
    if (texts.length > 0) this.custom("cs5", "evidence", `[${texts.join(",")}]`);
  }

  finish(): string {
    this.custom("cs6", "cut", [...this.#cut].join(",") || undefined);
    return this.#pairs.join(" ");
  }
}

/** The header escapes its separator and has no word for a line break. */
const headerField = (field: string | number): string =>
  String(field)
    .toWellFormed()
    .replace(IN_HEADER, (char) =>
      char === "\\" || char === "|" ? `\\${char}` : `\\${charName(char)}`,
    );

const extensionValue = (value: string): string =>
  value.toWellFormed().replace(IN_VALUE, (char) => {
    if (char === "\\" || char === "=") return `\\${char}`;
    if (char === "\n") return "\\n";
    // Other control characters have no escape: their name stands for them, its backslash escaped.
    return char === "\r" ? "\\r" : `\\${charName(char)}`;
  });
