/** What an upload that is still open holds. */

import { StoreError } from "@holdfast/base";
import { isRecord } from "./error-answer.ts";
import { queryText } from "./file-name.ts";
import { notUnderstood } from "./read-answer.ts";
import type { Requests } from "./requests.ts";

export interface HeldPart {
  readonly bytes: number;
  readonly etag: string;
  readonly crc32: number;
}

/** By number, at most as many as an upload may have; undefined when there is no such upload any more. */
export async function uploadedParts(
  requests: Requests,
  path: string,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, HeldPart> | undefined> {
  const held = new Map<number, HeldPart>();
  let afterPart: number | undefined;
  try {
    do {
      const query = queryText({ uploadId, afterPart });
      const { parts, next } = await requests.ask({ method: "GET", path, query, effect: "read", signal });
      if (!Array.isArray(parts)) throw notUnderstood();
      for (const part of parts) addPart(held, part);
      afterPart = typeof next === "number" ? next : undefined;
    } while (afterPart !== undefined);
  } catch (cause) {
    if (cause instanceof StoreError && cause.code === "UploadNotFound") return undefined;
    throw cause;
  }
  return held;
}

/** A part without a CRC-32 is as good as none: nobody could tell whether it is the right one. */
function addPart(held: Map<number, HeldPart>, document: unknown): void {
  const { part, bytes, etag, crc32 } = isRecord(document) ? document : {};
  if (typeof part !== "number" || typeof bytes !== "number" || typeof etag !== "string")
    throw notUnderstood();
  if (typeof crc32 === "string") held.set(part, { bytes, etag, crc32: Number.parseInt(crc32, 16) });
}
