/** What the caller gives for each group: the state machine, and its state as a whole. */

import type { SnapshotPosition } from "@holdfast/consensus";
import type { StateMachine } from "@holdfast/ports";

/**
 * A group's state machine and where its state stands. What is applied becomes durable whenever the machine's owner
 * flushes it, together with its position (S9); the owner then tells the log (`WriteAheadLog.checkpoint`).
 */
export interface GroupMachine<Result> extends StateMachine<Result> {
  /** The last entry whose effects the state shows, and the membership there. Durable when the group is opened. */
  readonly applied: SnapshotPosition;
  /** A snapshot that was received whole and not installed when the process before this one ended. */
  readonly staged: StagedState | undefined;
  /**
   * The entry at this place is done, be it a command, a membership or nothing. Called in the same synchronous run as
   * `apply`, so that no flush takes the one without the other.
   */
  advance(position: SnapshotPosition): void;
  /** The state at a position at or behind the applied one, whatever is applied while it is read; with bounded memory. */
  snapshot(): Promise<MachineSnapshot>;
  /**
   * Stores a snapshot beside the state; resolves when it is durable. It replaces one that was staged before. Rejects when the
   * body fails or makes no state.
   */
  stage(position: SnapshotPosition, body: AsyncIterable<Uint8Array>): Promise<StagedState>;
}

export interface MachineSnapshot {
  readonly position: SnapshotPosition;
  /** Read once, or given up by `close`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** For one that is not read to its end; does nothing otherwise. */
  close(): void;
}

/** A whole, durable state beside the one in use. */
export interface StagedState {
  readonly position: SnapshotPosition;
  /** It becomes the state, durably, in one step; then `applied` is its position. */
  install(): Promise<void>;
  discard(): Promise<void>;
}
