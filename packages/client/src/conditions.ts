/** Conditions as headers carry them. */

export function conditionHeaders(conditions: {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}): Record<string, string | undefined> {
  return { "if-match": etagHeader(conditions.ifMatch), "if-none-match": etagHeader(conditions.ifNoneMatch) };
}

export function etagHeader(etag: string | undefined): string | undefined {
  return etag === undefined || etag === "*" ? etag : `"${etag.replaceAll('"', "")}"`;
}
