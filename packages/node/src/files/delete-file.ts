import { assert } from "@holdfast/base";
import type { FilesContext } from "./context.ts";
import { locate } from "./context.ts";
import type { DeleteFileRequest } from "./interface.ts";

/** Deletes go on when the disk is full: they use the reserve (S12). */
export async function deleteFile(
  context: FilesContext,
  request: DeleteFileRequest,
): Promise<{ readonly existed: boolean }> {
  const { bucket, key, shard } = await locate(context, request.bucket, request.key);
  const { condition } = request;
  await context.admission.admitDelete();
  const result = await shard.writer.operate({ kind: "deleteFile", bucket: bucket.id, key, condition });
  assert(result.kind === "deleted", `deleteFile answers "deleted", not "${result.kind}"`);
  return { existed: result.existed };
}
