import type { Codec } from "@holdfast/base";
import { list, optional, record, text, union, variant } from "@holdfast/base";
import type { Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";

/** Whose version a condition speaks of: any that exists, or one with one of these ETags (without quotes). */
export type EtagMatch =
  | { readonly kind: "any" }
  | { readonly kind: "etags"; readonly etags: readonly string[] };

/** A write happens only if both hold at the moment of its entry. */
export interface WriteCondition {
  readonly ifMatch: EtagMatch | undefined;
  readonly ifNoneMatch: EtagMatch | undefined;
}

export const unconditional: WriteCondition = { ifMatch: undefined, ifNoneMatch: undefined };

const etagMatchCodec: Codec<EtagMatch> = union({
  any: variant(1, record({})),
  etags: variant(2, record({ etags: list(text) })),
});

export const writeConditionCodec: Codec<WriteCondition> = record({
  ifMatch: optional(etagMatchCodec),
  ifNoneMatch: optional(etagMatchCodec),
});

/** Whether an existing file's ETag, or undefined for no file, is one the condition speaks of. */
export function matches(match: EtagMatch, etag: string | undefined): boolean {
  if (etag === undefined) return false;
  return match.kind === "any" || match.etags.includes(etag);
}

/**
 * Judges a write in the entry that would commit it. If-Match speaks first (RFC 9110 section 13.2.2); on a file that is
 * not there it answers FileNotFound, as S3 does. The subject is the ETag that is there.
 */
export function judgeCondition(condition: WriteCondition, etag: string | undefined): Refusal | undefined {
  if (condition.ifMatch !== undefined) {
    if (etag === undefined) return refusal("FileNotFound");
    if (!matches(condition.ifMatch, etag)) return refusal("ConditionFailed", etag);
  }
  if (condition.ifNoneMatch !== undefined && matches(condition.ifNoneMatch, etag)) {
    return refusal("ConditionFailed", etag);
  }
  return undefined;
}
