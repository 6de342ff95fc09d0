/** Conditions and ranges of RFC 9110 (sections 13 and 14), from headers. */

import { parseHttpDate, StoreError } from "@holdfast/base";
import type { ByteRange, EtagMatch, ReadCondition, WriteCondition } from "@holdfast/node";

type Headers = Readonly<Record<string, string | undefined>>;

export function writeCondition(headers: Headers): WriteCondition {
  return { ifMatch: etagMatch("if-match", headers), ifNoneMatch: etagMatch("if-none-match", headers) };
}

export function readCondition(headers: Headers): ReadCondition {
  return {
    ifMatch: etagMatch("if-match", headers),
    ifNoneMatch: etagMatch("if-none-match", headers),
    ifModifiedSinceMs: dateOf(headers["if-modified-since"]),
    ifUnmodifiedSinceMs: dateOf(headers["if-unmodified-since"]),
  };
}

/** Of the file that a copy reads. */
export function copySourceCondition(headers: Headers): ReadCondition {
  return {
    ifMatch: etagMatch("x-holdfast-copy-source-if-match", headers),
    ifNoneMatch: etagMatch("x-holdfast-copy-source-if-none-match", headers),
  };
}

/** A date that cannot be read is as good as none (RFC 9110 section 13.1.3). */
function dateOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseHttpDate(text);
}

/** A condition that cannot be read is refused: ignoring one could overwrite what it was to protect. */
function etagMatch(name: string, headers: Headers): EtagMatch | undefined {
  const text = headers[name]?.trim();
  if (text === undefined) return undefined;
  if (text === "*") return { kind: "any" };
  const etags: string[] = [];
  // Quotes may be left out, as S3's clients do; a weak tag never equals one of ours, which are all strong.
  const pattern = /\s*(?:(W\/)?"([^"]*)"|([^\s",]+))\s*(?:,|$)/y;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (found === null) {
      throw new StoreError("InvalidArgument", `The header ${name} is "*" or a list of ETags.`, {
        fields: { name },
      });
    }
    if (found[1] === undefined) etags.push(found[2] ?? found[3] ?? "");
    else if (name.endsWith("if-none-match")) etags.push(found[2] ?? "");
  }
  return { kind: "etags", etags };
}

/**
 * One range, or undefined for the whole file: several ranges, other units and text that cannot be read are ignored, as
 * RFC 9110 section 14.2 allows. So is a range that hangs on If-Range: the whole file is always right.
 */
export function byteRange(headers: Headers): ByteRange | undefined {
  const text = headers["range"];
  if (text === undefined || headers["if-range"] !== undefined) return undefined;
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text.trim());
  if (found === null) return undefined;
  const [, first = "", last = ""] = found;
  if (first === "") return last === "" ? undefined : { kind: "suffix", bytes: Number(last) };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { kind: "from", first: Number(first), last: last === "" ? undefined : Number(last) };
}
