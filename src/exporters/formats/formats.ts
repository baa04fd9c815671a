// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import type { SinkPlace } from "../../core/exporter.ts";
import { cefAlert } from "./cef.ts";
import { eveAlert } from "./eve.ts";
import { ideaAlert } from "./idea.ts";
import { jsonAlert } from "./json.ts";

export type FormatName = "json" | "cef" | "eve" | "idea";

/** An alert as one line of text, without its line break, of at most 64 KiB of UTF-8. */
export type Format = (alert: Alert, place: SinkPlace) => string;

/** Formats by the names that parameters of exporters have for them. */
export const FORMATS: Readonly<Record<FormatName, Format>> = {
  json: jsonAlert,
  cef: cefAlert,
  eve: eveAlert,
  idea: ideaAlert,
};
