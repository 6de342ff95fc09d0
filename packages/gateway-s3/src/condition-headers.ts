/** Conditions as headers: If-Match and its kin, for reads, writes and the source of a copy. */

import { parseHttpDate } from "@holdfast/base";
import type { EtagMatch, ReadCondition, WriteCondition } from "@holdfast/node";
import { unconditional } from "@holdfast/node";

type RequestHeaders = Readonly<Record<string, string | undefined>>;

export function writeCondition(headers: RequestHeaders): WriteCondition {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  if (ifMatch === undefined && ifNoneMatch === undefined) return unconditional;
  return {
    ifMatch: ifMatch === undefined ? undefined : etagMatch(ifMatch, "strong"),
    ifNoneMatch: ifNoneMatch === undefined ? undefined : etagMatch(ifNoneMatch, "weak"),
  };
}

/** `prefix` is "" or "x-amz-copy-source-". Dates that are none are ignored (RFC 9110 section 13.1.3). */
export function readCondition(headers: RequestHeaders, prefix: string): ReadCondition | undefined {
  const ifMatch = headers[`${prefix}if-match`];
  const ifNoneMatch = headers[`${prefix}if-none-match`];
  const ifModifiedSince = headers[`${prefix}if-modified-since`];
  const ifUnmodifiedSince = headers[`${prefix}if-unmodified-since`];
  if ((ifMatch ?? ifNoneMatch ?? ifModifiedSince ?? ifUnmodifiedSince) === undefined) return undefined;
  return {
    ifMatch: ifMatch === undefined ? undefined : etagMatch(ifMatch, "strong"),
    ifNoneMatch: ifNoneMatch === undefined ? undefined : etagMatch(ifNoneMatch, "weak"),
    ifModifiedSinceMs: ifModifiedSince === undefined ? undefined : parseHttpDate(ifModifiedSince),
    ifUnmodifiedSinceMs: ifUnmodifiedSince === undefined ? undefined : parseHttpDate(ifUnmodifiedSince),
  };
}

/**
 * A list of ETags, quoted or (as S3 allows) not. By strong comparison a weak tag names no file (RFC 9110 section
 * 8.8.3.2), so If-Match drops it.
 */
export function etagMatch(value: string, comparison: "strong" | "weak"): EtagMatch {
  if (value.trim() === "*") return { kind: "any" };
  const etags: string[] = [];
  for (const item of value.split(",")) {
    const tag = item.trim();
    const weak = tag.startsWith("W/");
    if (tag === "" || (weak && comparison === "strong")) continue;
    etags.push(bareEtag(weak ? tag.slice(2) : tag));
  }
  return { kind: "etags", etags };
}

export function bareEtag(tag: string): string {
  return tag.length >= 2 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1) : tag;
}
