/** Many files deleted by one request. */

import { StoreError, utf8 } from "@holdfast/base";
import { isRecord, reportedError } from "./error-answer.ts";
import { bucketPath } from "./file-name.ts";
import type { DeletedFile, FileToDelete } from "./options.ts";
import { notUnderstood } from "./read-answer.ts";
import type { Requests } from "./requests.ts";

export async function deleteFiles(
  requests: Requests,
  bucket: string,
  files: readonly FileToDelete[],
  signal: AbortSignal | undefined,
): Promise<readonly DeletedFile[]> {
  if (files.length === 0) return [];
  const document = { files: files.map(({ key, ifMatch }) => ({ key, ifMatch })) };
  const answer = await requests.ask({
    method: "POST",
    path: `${bucketPath(bucket)}/delete`,
    headers: { "content-type": "application/json" },
    body: { kind: "bytes", data: utf8(JSON.stringify(document)) },
    // Under its ETag a file is deleted once: what came to its place since stays.
    effect: files.every((file) => file.ifMatch !== undefined) ? "repeatable" : "write",
    signal,
  });
  const { results } = answer;
  if (!Array.isArray(results) || results.length !== files.length) throw notUnderstood();
  return files.map(({ key }, i) => deletedFile(key, results[i]));
}

function deletedFile(key: string, result: unknown): DeletedFile {
  const { existed, error } = isRecord(result) ? result : {};
  if (typeof existed === "boolean") return { kind: "deleted", key, existed };
  if (!isRecord(error)) throw notUnderstood();
  const reported = reportedError(error);
  return { kind: "failed", key, error: reported ?? new StoreError("Internal", "The node names no reason.") };
}
