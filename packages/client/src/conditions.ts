/** Conditions as headers carry them, and what they make of a write. */

import type { Effect } from "./effect.ts";

export function conditionHeaders(conditions: {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}): Record<string, string | undefined> {
  return { "if-match": etagHeader(conditions.ifMatch), "if-none-match": etagHeader(conditions.ifNoneMatch) };
}

export function etagHeader(etag: string | undefined): string | undefined {
  return etag === undefined || etag === "*" ? etag : `"${etag.replaceAll('"', "")}"`;
}

/** A write that makes its own condition fail can be sent again: it is not applied twice. */
export function writeEffect(conditions: {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}): Effect {
  const { ifMatch, ifNoneMatch } = conditions;
  return ifNoneMatch === "*" || (ifMatch !== undefined && ifMatch !== "*") ? "once" : "write";
}
