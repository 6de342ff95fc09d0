/** Conditions of reads, and the early look at those of writes. */

import { StoreError } from "@holdfast/base";
import type { FileVersion, WriteCondition } from "@holdfast/namespace";
import { judgeCondition, matches } from "@holdfast/namespace";
import { refusal } from "../refusal.ts";
import type { ReadCondition } from "./interface.ts";

/** RFC 9110 section 13.2.2, in its order; dates count in whole seconds, as HTTP sends them. */
export function checkReadCondition(version: FileVersion, condition: ReadCondition | undefined): void {
  if (condition === undefined) return;
  const modifiedMs = Math.floor(version.modifiedAtMs / 1000) * 1000;
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = condition;
  const fields = { etag: version.etag, modifiedAtMs: version.modifiedAtMs };
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version.etag)) throw failed("ConditionFailed", fields);
  } else if (ifUnmodifiedSinceMs !== undefined && modifiedMs > ifUnmodifiedSinceMs)
    throw failed("ConditionFailed", fields);
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, version.etag)) throw failed("NotModified", fields);
  } else if (ifModifiedSinceMs !== undefined && modifiedMs <= ifModifiedSinceMs)
    throw failed("NotModified", fields);
}

/**
 * Refuses before the body is read what the entry would refuse as things stand. The entry decides; this only spares
 * the client a long upload. `etag`: the file's as it is now; undefined if there is none.
 */
export function foreseeCondition(etag: string | undefined, condition: WriteCondition): void {
  const refused = judgeCondition(condition, etag);
  if (refused !== undefined) throw refusal(refused.code, refused.subject);
}

function failed(
  code: "ConditionFailed" | "NotModified",
  fields: Readonly<Record<string, string | number>>,
): StoreError {
  const message =
    code === "NotModified" ? "The file was not modified." : "The file is not in the state asked for.";
  return new StoreError(code, message, { fields });
}
