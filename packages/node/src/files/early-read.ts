/**
 * A read of a shard that begins before it is certain that the file's bucket is what it was: where a quorum has to be asked, it is
 * asked for the bucket and for the shard at once, not one behind the other.
 *
 * Both barriers begin when the request is there, so each shows what was acknowledged before. The bucket as it was last seen says
 * only which shard to ask; what counts is the bucket behind its own barrier. If that leads to another shard, the early read is of
 * no use. A bucket that was seen was there before the request came: if it is still there afterwards, it was all the while, and it
 * does not matter whose barrier is passed first.
 */

import type { Awaitable, LogIndex } from "@holdfast/base";
import type { ReplicatedLog, StateReader } from "@holdfast/ports";
import type { ShardReplica } from "../shard-replica.ts";
import type { FilesContext } from "./context.ts";

/** What of a shard's replica is used. */
export interface ReadShard extends Pick<ShardReplica, "read" | "localState"> {
  readonly log: Pick<ReplicatedLog<unknown>, "appliedIndex">;
}

export interface EarlyRead {
  readonly shard: ReadShard;
  /** What was applied here when the barrier was passed. */
  readonly passed: Promise<LogIndex>;
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
  const passed = Promise.resolve(shard.read()).then(() => shard.log.appliedIndex);
  // Who awaits it hears of it; perhaps nobody does.
  passed.catch(() => undefined);
  return { shard, passed };
}

/** As the shard's own `read`; by the early one if that was of this shard. */
export function readBehind(early: EarlyRead | undefined, shard: ReadShard): Awaitable<StateReader> {
  if (early?.shard !== shard) return shard.read();
  return early.passed.then((index) => {
    // The replica may have left this node since then, or be on its way back.
    const isStillHere = index > 0 && shard.log.appliedIndex >= index;
    return isStillHere ? shard.localState : shard.read();
  });
}
