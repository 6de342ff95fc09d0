/** The query of a request: names and values, decoded once; the first of equal names counts. */

import { invalidArgument, S3Error } from "./s3-error.ts";
import { decodeUri } from "./uri.ts";

export type Query = ReadonlyMap<string, string>;

const noQuery: Query = new Map();

/** "a" and "a=" both mean an empty value; "+" means a space. */
export function parseQuery(query: string): Query {
  if (query === "") return noQuery;
  const parameters = new Map<string, string>();
  for (const piece of query.split("&")) {
    if (piece === "") continue;
    const split = piece.indexOf("=");
    const name = decodeForm(split < 0 ? piece : piece.slice(0, split));
    if (!parameters.has(name)) parameters.set(name, split < 0 ? "" : decodeForm(piece.slice(split + 1)));
  }
  return parameters;
}

function decodeForm(text: string): string {
  return decodeUri(text.includes("+") ? text.replaceAll("+", " ") : text);
}

/** A number from 0 on, at most `max` (more counts as `max`); `fallback` when it is not given or empty. */
export function countParameter(query: Query, name: string, fallback: number, max: number): number {
  const value = query.get(name);
  if (value === undefined || value === "") return fallback;
  if (!/^\d{1,10}$/.test(value) || Number(value) > 2_147_483_647) {
    throw invalidArgument(name, value, `Provided ${name} not an integer or within integer range`);
  }
  return Math.min(Number(value), max);
}

export function partNumberParameter(query: Query, partNumberMax: number): number {
  const value = query.get("partNumber") ?? "";
  const part = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (part >= 1 && part <= partNumberMax) return part;
  const message = `Part number must be an integer between 1 and ${partNumberMax}, inclusive`;
  throw invalidArgument("partNumber", value, message);
}

/** Whether keys go out percent-encoded. */
export function urlEncodingParameter(query: Query): boolean {
  const value = query.get("encoding-type");
  if (value === undefined) return false;
  if (value === "url") return true;
  throw invalidArgument("encoding-type", value, "Invalid Encoding Method specified in Request");
}

/** Buckets here have no versions yet: only the "null" version, the file itself, can be named. */
export function refuseVersion(version: string | undefined): void {
  if (version === undefined || version === "null") return;
  throw new S3Error("InvalidArgument", "Invalid version id specified", {
    ArgumentName: "versionId",
    ArgumentValue: version,
  });
}
