/**
 * A read of a shard that begins before it is certain that the file's bucket is what it was: where a quorum has to be asked, it is
 * asked for the bucket and for the shard at once, not one behind the other.
 *
 * Both barriers begin when the request is there, so each shows what was acknowledged before. The bucket as it was last seen says
 * only what to ask and where; what counts is the bucket behind its own barrier. If that is another one, the early answer is of
 * no use. A bucket that was seen was there before the request came: if it is still there afterwards, it was all the while, and it
 * does not matter whose barrier is passed first.
 */

import type { Awaitable } from "@holdfast/base";
import type { FileAndBytes } from "../shard-reads/file-questions.ts";
import { fileQuestion } from "../shard-reads/file-questions.ts";
import type { FilesContext, Place } from "./context.ts";

/** What of a place is used. */
export interface AskedPlace extends Pick<Place, "key"> {
  readonly bucket: Pick<Place["bucket"], "id">;
  readonly shard: Pick<Place["shard"], "ask">;
}

export interface EarlyRead extends Omit<AskedPlace, "key"> {
  readonly found: Promise<FileAndBytes | undefined>;
}

/** Undefined when nothing is known of the bucket here. */
export function beginEarlyRead(
  context: FilesContext,
  bucketName: string,
  key: string,
): EarlyRead | undefined {
  const bucket = context.directory.lastSeen(bucketName);
  if (bucket === undefined) return undefined;
  const shard = context.shard(context.directory.shardOf(bucket, key));
  const found = Promise.resolve(shard.ask(fileQuestion, { bucket: bucket.id, key }));
  // Who awaits it hears of it; perhaps nobody does.
  found.catch(() => undefined);
  return { bucket, shard, found };
}

/** The file as its shard has it; by the early read if that was of this bucket. */
export function askForFile(
  { shard, bucket, key }: AskedPlace,
  early?: EarlyRead,
): Awaitable<FileAndBytes | undefined> {
  const isUseful = early?.shard === shard && early.bucket.id === bucket.id;
  return isUseful ? early.found : shard.ask(fileQuestion, { bucket: bucket.id, key });
}
