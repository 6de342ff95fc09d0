/**
 * Commits what was streamed with the evidence that its blocks are stored (S3). A shard that has closed the evidence's epoch
 * refuses it and records nothing: the blocks are confirmed under today's layout, and the same attempt commits again. The
 * attempt stays open all the while, so that nobody erases its blocks (S4).
 */

import type { Epoch } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { Abortable, Clock } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { StreamBlocks } from "./stream-blocks.ts";

/** Each time an epoch was closed meanwhile; layouts do not change so often. */
const commitsMax = 8;
/** A confirmation that makes progress is not cut short: its own bounds apply. */
const deadlineMs = 20_000;
const pauseMsMin = 50;
const pauseMsMax = 1000;

export interface CommitEnd {
  readonly clock: Clock;
  readonly signal: Abortable | undefined;
}

/** Throws what `commit` throws, but for "StaleEvidence": in its place "Unavailable", not applied, when no better evidence is to be had. */
export async function commitStream<T>(
  end: CommitEnd,
  stream: StreamBlocks,
  commit: (evidence: Epoch) => Promise<T>,
): Promise<T> {
  const endMs = end.clock.monotonicMs() + deadlineMs;
  let evidence = await stream.evidence();
  for (let commits = 1; ; commits++) {
    try {
      return await commit(evidence);
    } catch (error) {
      if (!isStale(error)) throw error;
      if (commits === commitsMax) throw unproven(error);
      evidence = await betterEvidence(end, stream, evidence, endMs, error);
    }
  }
}

/** A shard may know of a layout before this node does: it is on its way here. */
async function betterEvidence(
  { clock, signal }: CommitEnd,
  stream: StreamBlocks,
  than: Epoch,
  endMs: number,
  cause: StoreError,
): Promise<Epoch> {
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMsMax, 2 * pauseMs)) {
    signal?.throwIfAborted();
    const evidence = await stream.confirm();
    if (evidence > than) return evidence;
    if (clock.monotonicMs() + pauseMs >= endMs) throw unproven(cause);
    await sleep(clock, pauseMs);
  }
}

function isStale(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === "StaleEvidence";
}

function unproven(cause: StoreError): StoreError {
  return new StoreError("Unavailable", "The cluster's layout is changing. Try again in a moment.", { cause });
}
