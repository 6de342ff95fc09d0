/** Runs in a worker thread: takes digests step by step for the main thread (digest-pool.ts). */

import { parentPort } from "node:worker_threads";
import { assert, present } from "@holdfast/base";
import type { Digest } from "@holdfast/ports";
import { beginDigest } from "./digest.ts";
import type { DigestReply, DigestRequest } from "./digest-messages.ts";

const digests = new Map<number, Digest>();
assert(parentPort !== null, "not a worker thread");
const port = parentPort;

port.on("message", (request: DigestRequest) => {
  const { id } = request;
  switch (request.kind) {
    case "begin":
      digests.set(id, beginDigest(request.algorithm));
      return;
    case "update": {
      const { data } = request;
      present(digests.get(id), "digest").update(data);
      const reply: DigestReply = { kind: "updated", id, data };
      // The buffer goes back, to be filled again.
      port.postMessage(reply, data.buffer instanceof ArrayBuffer ? [data.buffer] : []);
      return;
    }
    case "finish": {
      const digest = present(digests.get(id), "digest").finish();
      digests.delete(id);
      const reply: DigestReply = { kind: "finished", id, digest };
      port.postMessage(reply);
      return;
    }
    case "cancel":
      digests.delete(id);
  }
});
