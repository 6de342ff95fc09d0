/** A store whose every request goes to a node that is chosen for it. */

import type { StoreClient } from "../workload/store-client.ts";

export function routedClient(choose: () => StoreClient): StoreClient {
  return {
    put: (...request) => choose().put(...request),
    read: (...request) => choose().read(...request),
    delete: (...request) => choose().delete(...request),
    copy: (...request) => choose().copy(...request),
    list: (...request) => choose().list(...request),
    createUpload: (...request) => choose().createUpload(...request),
    putPart: (...request) => choose().putPart(...request),
    completeUpload: (...request) => choose().completeUpload(...request),
    abortUpload: (...request) => choose().abortUpload(...request),
    listParts: (...request) => choose().listParts(...request),
    listUploads: (...request) => choose().listUploads(...request),
    createBucket: (...request) => choose().createBucket(...request),
    deleteBucket: (...request) => choose().deleteBucket(...request),
    listBuckets: (...request) => choose().listBuckets(...request),
  };
}
