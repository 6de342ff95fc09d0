/**
 * Buckets made and deleted, each by one client at a time, beside a steady few that everybody uses; and attempts to
 * delete one that is in use, which must fail and disturb nobody.
 */

import { chance, uniform } from "@holdfast/base";
import type { Condition, Effect } from "../model/register.ts";
import type { Name, Started } from "../model/store-model.ts";
import { violated } from "../model/violation.ts";
import type { Answer } from "./connection.ts";
import { deleteFile, putFile } from "./file-writes.ts";
import { mainBuckets } from "./session.ts";
import type { Worker } from "./worker.ts";

const exists: Condition = { ifMatch: "*" };

export async function bucketOperation(worker: Worker): Promise<void> {
  const { random } = worker.session;
  const bucket = scratchBucket(worker.number);
  if (worker.session.unsettledBuckets.has(bucket)) return;
  switch (uniform(random, 6)) {
    case 0:
      return deleteInUse(worker);
    case 1:
    case 2:
      return createBucket(worker, bucket);
    case 3:
      return deleteBucket(worker, bucket);
    default:
      return fileInScratch(worker, { bucket, key: "only" });
  }
}

export function scratchBucket(client: number): string {
  return `scratch-${client}`;
}

export async function createBucket(worker: Worker, bucket: string): Promise<void> {
  const { connection } = worker;
  const started = begin(worker, bucket, "create bucket");
  const { bucketExcuses } = worker.session;
  const answer = await connection.ask(
    started.text,
    () => connection.store.createBucket(bucket),
    bucketExcuses,
  );
  const condition: Condition = { ifNoneMatchAny: true };
  const taken = answer.kind === "refused" && answer.code.startsWith("BucketAlready");
  const refused: Effect = { kind: "refused", condition, code: "ConditionFailed" };
  conclude(worker, started, answer, {
    done: { kind: "write", state: "bucket", condition, existed: undefined },
    refused: taken ? refused : undefined,
  });
}

async function deleteBucket(worker: Worker, bucket: string): Promise<void> {
  const { connection, session } = worker;
  const started = begin(worker, bucket, "delete bucket");
  const files = session.model.names().filter((name) => name.bucket === bucket);
  const emptied = files.map((name) => session.model.start(name, "deleting its bucket"));
  const answer = await connection.ask(
    started.text,
    () => connection.store.deleteBucket(bucket),
    session.bucketExcuses,
  );
  // Only an empty one may go, and this client alone writes there.
  if (answer.kind === "done")
    for (const file of emptied) session.model.end(file, { kind: "read", state: undefined });
  const gone: Effect = { kind: "refused", condition: exists, code: "FileNotFound" };
  const inUse: Effect = { kind: "read", state: "bucket" };
  const code = answer.kind === "refused" ? answer.code : undefined;
  conclude(worker, started, answer, {
    done: { kind: "write", state: undefined, condition: exists, existed: undefined },
    refused: code === "BucketNotFound" ? gone : code === "BucketNotEmpty" ? inUse : undefined,
  });
}

/** The fixtures are in them: always refused, and everybody else must not notice. */
async function deleteInUse(worker: Worker): Promise<void> {
  const { connection, session } = worker;
  const bucket = mainBuckets[uniform(session.random, mainBuckets.length)] ?? "main-a";
  const text = `client ${worker.number}: delete bucket ${bucket}, which is in use`;
  session.trace(`${text} ...`);
  session.deletionsUnderWay++;
  const answer = await connection.ask(
    text,
    () => connection.store.deleteBucket(bucket),
    session.bucketExcuses,
  );
  session.deletionsUnderWay--;
  session.lastDeletionEndedMs = connection.nowMs;
  session.trace(`${text}: ${answer.kind}`);
  if (answer.kind === "unknown" && session.unknownMayComeLater) session.unsettledBuckets.add(bucket);
  if (answer.kind === "done") violated(`${text}: it is gone`);
  if (answer.kind === "refused" && answer.code !== "BucketNotEmpty")
    violated(`${text}: unexpected ${answer.code}`);
}

/** Where the bucket is not there the file is not either. */
async function fileInScratch(worker: Worker, name: Name): Promise<void> {
  const { session, connection } = worker;
  const started = begin(worker, name.bucket, "look for bucket");
  const answer = await connection.ask(started.text, () => connection.store.listBuckets());
  if (answer.kind !== "done") return;
  const isThere = answer.value.includes(name.bucket);
  conclude(worker, started, answer, {
    done: { kind: "read", state: isThere ? "bucket" : undefined },
    refused: undefined,
  });
  if (!isThere) return;
  if (chance(session.random, 0.5)) await putFile(worker, name);
  else await deleteFile(worker, name);
}

interface Meaning {
  readonly done: Effect;
  readonly refused: Effect | undefined;
}

function begin(worker: Worker, bucket: string, what: string): Started {
  const text = `client ${worker.number}: ${what}`;
  worker.session.trace(`${bucket}: ${text} ...`);
  return worker.session.buckets.start({ bucket, key: "" }, text);
}

function conclude<T>({ session }: Worker, started: Started, answer: Answer<T>, meaning: Meaning): void {
  session.trace(
    `${started.name.bucket}: ${started.text}: ${answer.kind === "refused" ? answer.code : answer.kind}`,
  );
  switch (answer.kind) {
    case "done":
      session.buckets.end(started, meaning.done);
      return;
    case "unknown":
      if (meaning.done.kind !== "write") return;
      session.buckets.end(started, meaning.done, true);
      if (session.unknownMayComeLater) session.unsettledBuckets.add(started.name.bucket);
      return;
    case "hindered":
      return;
    case "refused":
      if (meaning.refused === undefined)
        violated(`${started.name.bucket}: ${started.text}: unexpected ${answer.code}`);
      session.buckets.end(started, meaning.refused);
  }
}
