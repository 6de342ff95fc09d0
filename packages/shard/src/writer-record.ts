import type { Attempt, Codec } from "@holdfast/base";
import { attempt, branded, integer, record, text, versioned } from "@holdfast/base";
import type { AttemptSet } from "./attempt-set.ts";
import { attemptMax, attemptSetCodec, hasAttempt, normalizeRanges } from "./attempt-set.ts";
import type { WriterProgress } from "./command.ts";

/** One run of one gateway at this shard (SAFETY.md, "writer"): what each of its attempts became. */
export interface WriterRecord {
  readonly node: string;
  readonly run: string;
  readonly openedAtMs: number;
  /** Cluster time of its last entry: a writer that was silent for long may be closed by a replicated command. */
  readonly lastSeenMs: number;
  /** All attempts below are closed. */
  readonly floor: Attempt;
  /** Closed attempts above the floor. */
  readonly closed: AttemptSet;
  /** Attempts that were done and whose results are stored (S15); none of them is closed. */
  readonly answered: AttemptSet;
}

export const writerRecordCodec: Codec<WriterRecord> = versioned(
  1,
  record({
    node: text,
    run: text,
    openedAtMs: integer,
    lastSeenMs: integer,
    floor: branded<Attempt>(),
    closed: attemptSetCodec,
    answered: attemptSetCodec,
  }),
);

/** A closed attempt commits nothing, ever (S4), and its result is not kept. Numbers that no set could hold were never open. */
export function isAttemptClosed({ floor, closed }: WriterRecord, number: Attempt): boolean {
  return number < floor || number > attemptMax || hasAttempt(closed, number);
}

/** Adds what is closed by now. Progress only grows: publishing an older one again changes nothing. */
export function withProgress(writer: WriterRecord, progress: WriterProgress): WriterRecord {
  if (progress.floor <= writer.floor && progress.closed.length === 0) return writer;
  let floor: number = Math.max(writer.floor, progress.floor);
  const closed = normalizeRanges([...writer.closed, ...progress.closed]);
  for (const { first, last } of closed) if (first <= floor && last >= floor) floor = last + 1;
  return { ...writer, floor: attempt(floor), closed: closed.filter(({ first }) => first > floor) };
}
