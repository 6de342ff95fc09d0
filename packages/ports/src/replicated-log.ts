import type { GroupId, LogIndex } from "@holdfast/base";

/** One committed entry, handed to the state machine in the order of the log, each exactly once per state. */
export interface CommittedEntry {
  readonly index: LogIndex;
  readonly command: Uint8Array;
}

/** Deterministic: the same entries give the same state and the same results on every node. Applying never fails. */
export interface StateMachine<Result> {
  apply(entry: CommittedEntry): Result;
}

export interface Appended<Result> {
  readonly index: LogIndex;
  readonly result: Result;
}

/**
 * A group's replicated log, the only way to change its state machine (DESIGN.md section 4). State machines and
 * gateways know only this; whether one voter or a consensus group carries it, they do not notice.
 */
export interface ReplicatedLog<Result> {
  readonly group: GroupId;
  /** The last entry whose effects the local state shows. */
  readonly appliedIndex: LogIndex;
  /**
   * Resolves when the command is committed, durable on a quorum and applied where the group is led; the local state shows it
   * behind a read barrier, and at once where the group is led here. Rejects with StoreError: outcome
   * `not-applied` when it can never be committed, `unknown` when it may be.
   */
  append(command: Uint8Array): Promise<Appended<Result>>;
  /**
   * Resolves when the local state shows everything that any node acknowledged before the call (ReadIndex); undefined when
   * it does so already.
   */
  readBarrier(): Promise<void> | undefined;
}
