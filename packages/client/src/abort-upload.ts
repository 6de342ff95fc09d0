/** Gives an upload in parts up, and with it what it holds. */

import { StoreError } from "@holdfast/base";
import { queryText } from "./file-name.ts";
import type { Requests } from "./requests.ts";

export async function abortUpload(
  requests: Requests,
  path: string,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const query = queryText({ uploadId });
  try {
    const response = await requests.send({ method: "DELETE", path, query, effect: "repeatable", signal });
    response.cancel();
  } catch (cause) {
    if (!(cause instanceof StoreError && cause.code === "UploadNotFound")) throw cause;
  }
}
