import type { ErrorCode, LogIndex, ShardId } from "@holdfast/base";
import type { StateWriter } from "@holdfast/ports";

/** What every change happens within: one entry of one shard's log, at one moment of cluster time. */
export interface EntryScope {
  readonly state: StateWriter;
  readonly shard: ShardId;
  readonly index: LogIndex;
  /** Cluster time (S16). */
  readonly timeMs: number;
}

/** The entry changed nothing. `subject` says what was wrong with: a part's number, an ETag; "" where the code says it all. */
export interface Refusal {
  readonly kind: "refused";
  readonly code: ErrorCode;
  readonly subject: string;
}

export function refusal(code: ErrorCode, subject: string = ""): Refusal {
  return { kind: "refused", code, subject };
}
