/**
 * Looks at everything while nothing is under way: buckets, uploads and their parts, every key whole, every key listed.
 * Then the model settles: whatever was unknown is known from here on.
 */

import { uniform } from "@holdfast/base";
import { listAndJudge, readName } from "./file-reads.ts";
import { mainBuckets } from "./session.ts";
import { completeAgain, listParts } from "./upload-operations.ts";
import type { Worker } from "./worker.ts";

/** False when the store ended, or could not say, before everything was seen. */
export async function examine(worker: Worker): Promise<boolean> {
  const { session, connection } = worker;
  const since = session.model.moment();
  if (!(await examineBuckets(worker))) return false;
  for (const bucket of mainBuckets) if (!(await examineUploads(worker, bucket))) return false;
  for (const name of session.model.names()) if (!(await readName(worker, name))) return false;
  for (const bucket of mainBuckets) await listWhole(worker, bucket);
  if (connection.isDead) return false;
  session.model.settle(since);
  session.unsettledBuckets.clear();
  return true;
}

async function examineBuckets({ session, connection }: Worker): Promise<boolean> {
  const { buckets } = session;
  const since = buckets.moment();
  const started = buckets.names().map((name) => buckets.start(name, "list buckets"));
  const answer = await connection.ask("list buckets", () => connection.store.listBuckets());
  if (answer.kind !== "done") return false;
  session.trace(`list buckets: ${answer.value.join(" ")}`);
  for (const one of started) {
    const isThere = answer.value.includes(one.name.bucket);
    buckets.observe(one, isThere ? { tag: "bucket", etag: "", bytes: 0 } : undefined);
  }
  buckets.settle(since);
  return true;
}

async function examineUploads(worker: Worker, bucket: string): Promise<boolean> {
  const { session, connection } = worker;
  const answer = await connection.ask(`${bucket}: list uploads`, () => connection.store.listUploads(bucket));
  if (answer.kind !== "done") return false;
  session.trace(
    `${bucket}: uploads ${answer.value.map(({ key, uploadId }) => `${key}?${uploadId}`).join(" ")}`,
  );
  session.uploads.observe(bucket, answer.value);
  for (const upload of session.uploads.all) {
    if (upload.name.bucket !== bucket) continue;
    if (upload.status === "open" && !(await listParts(worker, upload))) return false;
    if (upload.status === "completed" && uniform(session.random, 10) === 0)
      await completeAgain(worker, upload);
  }
  return !connection.isDead;
}

async function listWhole(worker: Worker, bucket: string): Promise<void> {
  const limit = 1 + uniform(worker.session.random, 20);
  let after: string | undefined = "";
  while (after !== undefined)
    after = await listAndJudge(worker, { bucket, prefix: "", delimiter: "", after, limit });
}
