/** Many files deleted by one request. */

import { limits, StoreError } from "@holdfast/base";
import type { EtagMatch, Files } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { isObject, jsonAnswer, readJson, refuseUnknownMembers } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";

/** Deletions of one request that are under way at once. */
const parallel = 32;

interface FileToDelete {
  readonly key: string;
  readonly ifMatch: EtagMatch | undefined;
}

/** Each file by itself: one that is refused does not keep the others. */
async function deleteFiles(call: ApiCall): Promise<HttpResponse> {
  const document = await readJson(call.request, call.caller.payload, call.context.hashing);
  if (document === undefined) throw new StoreError("InvalidRequest", "Name the files in a JSON body.");
  refuseUnknownMembers(document, ["files"]);
  const { files } = document;
  if (!Array.isArray(files)) throw new StoreError("InvalidRequest", "files is a list.");
  if (files.length > limits.keysPerRequestMax)
    throw new StoreError("InvalidRequest", `One request deletes at most ${limits.keysPerRequestMax} files.`);
  const wanted = files.map(fileFrom);
  const results: unknown[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < wanted.length; i = next++) {
      const file = wanted[i];
      if (file !== undefined) results[i] = await deleteOne(call.context.files, call.bucket, file);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, wanted.length) }, work));
  return jsonAnswer(200, { results });
}

function fileFrom(value: unknown): FileToDelete {
  const { key, ifMatch } = isObject(value) ? value : {};
  if (typeof key !== "string" || (ifMatch !== undefined && typeof ifMatch !== "string"))
    throw new StoreError(
      "InvalidRequest",
      "Each of the files is an object with key and, if wanted, ifMatch.",
    );
  return { key, ifMatch: ifMatch === undefined ? undefined : { kind: "etags", etags: [ifMatch] } };
}

async function deleteOne(files: Files, bucket: string, { key, ifMatch }: FileToDelete): Promise<unknown> {
  try {
    const condition = { ifMatch, ifNoneMatch: undefined };
    const { existed } = await files.deleteFile({ bucket, key, condition });
    return { existed };
  } catch (error) {
    // What concerns all of them is said once.
    if (!(error instanceof StoreError) || error.code === "BucketNotFound") throw error;
    // Sent again after the answer was lost, the request meets its own work.
    if (error.code === "ConditionFailed" && (await isAbsent(files, bucket, key))) return { existed: false };
    const { code, message, retryable, outcome, fields } = error;
    return { error: { code, message, retryable, outcome, fields } };
  }
}

async function isAbsent(files: Files, bucket: string, key: string): Promise<boolean> {
  try {
    await files.statFile({ bucket, key });
    return false;
  } catch (error) {
    return error instanceof StoreError && error.code === "FileNotFound";
  }
}

export const deleteOperations: readonly Operation[] = [
  {
    method: "POST",
    path: "/buckets/{bucket}/delete",
    operationId: "deleteFiles",
    run: deleteFiles,
    document: {
      summary: `Deletes up to ${limits.keysPerRequestMax} files, each by itself; under ifMatch one that is not there counts as deleted before`,
      body: { kind: "json", schema: "DeleteFiles", required: true },
      answer: {
        status: 200,
        description: "What became of each, in their order",
        kind: "json",
        schema: "DeletedFiles",
      },
    },
  },
];
