/**
 * The ReplicatedLog of a cluster with one node: its quorum is its own write-ahead log.
 *
 * What is durable when: `append` resolves after the log's sync of the batch that holds the entry; only then is the
 * entry applied, so the state never shows what a crash could take back (S9).
 */

import type { GroupId, LogIndex } from "@holdfast/base";
import { assert, ballot, emptyBytes, logIndex, StoreError } from "@holdfast/base";
import type { Appended, ReplicatedLog, StateMachine } from "@holdfast/ports";
import type { GroupState } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { WalError } from "@holdfast/wal";

/** One voter never holds an election. */
const onlyBallot = ballot(1);
const replayBytesMax = 8 * 1024 * 1024;

export interface LogEvents {
  /** Asked before an entry is appended: undefined, or what it has to wait for, since too much is applied in memory alone. */
  readonly room: () => Promise<void> | undefined;
  /** Entries were applied: something waits for the next checkpoint. */
  readonly onApplied: () => void;
  /** The log or the state can be used no more (S11, S12): the node has to stop. */
  readonly onFailure: (cause: unknown) => void;
}

export class SingleVoterLog<Result> implements ReplicatedLog<Result> {
  readonly group: GroupId;
  readonly #wal: WriteAheadLog;
  readonly #state: GroupState;
  readonly #machine: StateMachine<Result>;
  readonly #events: LogEvents;

  private constructor(
    wal: WriteAheadLog,
    state: GroupState,
    machine: StateMachine<Result>,
    events: LogEvents,
  ) {
    this.group = state.group;
    this.#events = events;
    this.#wal = wal;
    this.#state = state;
    this.#machine = machine;
  }

  /** Brings the state to the end of the log: it was at or behind it when the process before this one ended. */
  static async open<Result>(
    wal: WriteAheadLog,
    state: GroupState,
    machine: StateMachine<Result>,
    events: LogEvents,
  ): Promise<SingleVoterLog<Result>> {
    const log = new SingleVoterLog(wal, state, machine, events);
    await log.#replay();
    return log;
  }

  get appliedIndex(): LogIndex {
    return this.#state.appliedIndex;
  }

  append(command: Uint8Array): Promise<Appended<Result>> {
    const room = this.#events.room();
    if (room !== undefined) return room.then(() => this.append(command));
    const index = logIndex(this.#wal.queuedLastIndex(this.group) + 1);
    const entries = [{ index, ballot: onlyBallot, payload: command }];
    return this.#wal.append({ group: this.group, entries }).then(
      () => this.#onDurable(index, command),
      (cause: unknown) => {
        throw this.#refusal(cause);
      },
    );
  }

  #onDurable(index: LogIndex, command: Uint8Array): Appended<Result> {
    const result = this.#apply(index, command);
    this.#events.onApplied();
    return { index, result };
  }

  /** What was acknowledged was applied before: there is nobody else to ask. */
  readBarrier(): undefined {
    return undefined;
  }

  #apply(index: LogIndex, command: Uint8Array): Result {
    try {
      const result = this.#machine.apply({ index, command });
      this.#state.advance({ index, ballot: onlyBallot, membership: emptyBytes });
      return result;
    } catch (cause) {
      // Applying never fails, unless the state store is damaged or an invariant is broken: nothing may follow.
      this.#events.onFailure(cause);
      throw new StoreError("Internal", "The node stopped while it applied the request. See its log.", {
        cause,
      });
    }
  }

  async #replay(): Promise<void> {
    const end = this.#wal.group(this.group)?.lastIndex ?? logIndex(0);
    if (this.#state.appliedIndex > end) {
      // S9: applied entries were durable in this log; that it ends before them means that the log was lost.
      throw new StoreError(
        "DataCorrupt",
        `The log of group ${this.group} ends at ${end}, before the applied index ${this.#state.appliedIndex}: log files are missing. Restore them, or recover from a backup.`,
      );
    }
    while (this.#state.appliedIndex < end) {
      const from = logIndex(this.#state.appliedIndex + 1);
      const entries = await this.#wal.entries(this.group, from, logIndex(end + 1), replayBytesMax);
      assert(entries.length > 0, `log of group ${this.group} has no entry ${from}`);
      for (const entry of entries) this.#apply(entry.index, entry.payload);
    }
  }

  #refusal(cause: unknown): unknown {
    if (!(cause instanceof WalError)) return cause;
    switch (cause.kind) {
      case "poisoned":
        this.#events.onFailure(cause);
        return new StoreError("Unavailable", "The node's log failed; the node stops.", {
          cause,
          outcome: "unknown",
        });
      case "closed":
        return new StoreError("Stopped", "The node is stopping.", { cause });
      case "no-space":
        return new StoreError("OutOfSpace", "The log cannot grow: the disk is full. Free some space.", {
          cause,
        });
      case "too-large":
        return new StoreError("InvalidRequest", "The request makes a log entry that is too large.", {
          cause,
        });
      case "not-contiguous":
      case "compacted":
      case "damaged":
      case "foreign":
        return new StoreError("Internal", "The log refused an entry.", { cause, outcome: "not-applied" });
      case "queue-full":
        return new StoreError("Overloaded", "Too many requests wait for the log. Try again in a moment.", {
          cause,
        });
    }
  }
}
