/**
 * Commands on their way into the log: those that wait for the leader to take them, and those that were proposed and whose
 * fate is not known. A proposal's fate is known when an entry with its index is committed, by that entry's ballot.
 */

import type { Ballot, LogIndex } from "@holdfast/base";
import { assertNever, StoreError } from "@holdfast/base";
import type { Proposed, Refusal, ReplicaId } from "@holdfast/consensus";
import type { Appended } from "@holdfast/ports";
import type { Budget } from "./budget.ts";

export interface ProposalLimits {
  readonly proposeWaitMs: number;
  readonly proposeBytesMax: number;
  readonly commitWaitMs: number;
}

interface Waiter<Result> {
  readonly resolve: (appended: Appended<Result>) => void;
  readonly reject: (error: StoreError) => void;
}

interface Queued<Result> extends Waiter<Result> {
  readonly command: Uint8Array;
  readonly deadlineMs: number;
}

interface Pending<Result> extends Waiter<Result> {
  readonly ballot: Ballot;
  readonly deadlineMs: number;
}

export class Proposals<Result> {
  readonly #limits: ProposalLimits;
  readonly #notLeader: (leader: ReplicaId | undefined) => StoreError;
  #queue: Queued<Result>[] = [];
  #queuedBytes = 0;
  /** By index, which is also their order. */
  readonly #pending = new Map<LogIndex, Pending<Result>>();

  /** `notLeader` says where the leader is. */
  constructor(limits: ProposalLimits, notLeader: (leader: ReplicaId | undefined) => StoreError) {
    this.#limits = limits;
    this.#notLeader = notLeader;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#pending.size === 0;
  }

  /** Nothing waits in front of the leader. */
  get isQueueEmpty(): boolean {
    return this.#queue.length === 0;
  }

  add(command: Uint8Array, nowMs: number): Promise<Appended<Result>> {
    const { proposeBytesMax, proposeWaitMs } = this.#limits;
    // A single large one passes when nothing else waits.
    if (this.#queuedBytes > 0 && this.#queuedBytes + command.length > proposeBytesMax)
      return Promise.reject(overloaded());
    this.#queuedBytes += command.length;
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, deadlineMs: nowMs + proposeWaitMs, resolve, reject });
    });
  }

  /** In order, until one is refused for now or the budget is spent. True when the budget alone ended it. */
  offer(propose: (command: Uint8Array) => Proposed | Refusal, budget: Budget, nowMs: number): boolean {
    let count = 0;
    let hasMore = false;
    for (const queued of this.#queue) {
      hasMore = budget.isSpent;
      if (hasMore || !this.#offerOne(queued, propose(queued.command), nowMs)) break;
      budget.spend(queued.command.length);
      count++;
    }
    this.#queue.splice(0, count);
    return hasMore;
  }

  /** This entry was applied; `made`: what came of it if it was a command. True when somebody waited for it. */
  onApplied(index: LogIndex, ballot: Ballot, made: { readonly result: Result } | undefined): boolean {
    const pending = this.#pending.get(index);
    if (pending === undefined) return false;
    this.#pending.delete(index);
    if (pending.ballot === ballot && made !== undefined) pending.resolve({ index, result: made.result });
    else
      pending.reject(new StoreError("Unavailable", "Leadership changed before the request was committed."));
    return true;
  }

  /** The state was replaced: what stands at the indexes up to here will not be seen. */
  onReplaced(through: LogIndex): void {
    for (const [index, pending] of this.#pending) {
      if (index > through) continue;
      this.#pending.delete(index);
      pending.reject(unknownFate());
    }
  }

  /** `refusal`: why those that were not proposed in time were not, unless too many others were. */
  expire(nowMs: number, refusal?: StoreError): void {
    if (this.#queue.length > 0) this.#expireQueued(nowMs, refusal);
    for (const [index, { deadlineMs, reject }] of this.#pending) {
      if (deadlineMs > nowMs) return;
      this.#pending.delete(index);
      reject(unknownFate());
    }
  }

  #expireQueued(nowMs: number, refusal: StoreError | undefined): void {
    const inTime = this.#queue.findIndex(({ deadlineMs }) => deadlineMs > nowMs);
    for (const { command, reject } of this.#queue.splice(0, inTime < 0 ? this.#queue.length : inTime)) {
      this.#queuedBytes -= command.length;
      reject(refusal ?? overloaded());
    }
  }

  /** `error`: for those that were never proposed; nobody will learn of the others. */
  end(error: StoreError): void {
    for (const { reject } of this.#queue.splice(0)) reject(error);
    this.#queuedBytes = 0;
    for (const { reject } of this.#pending.values()) reject(unknownFate(error));
    this.#pending.clear();
  }

  /** False when it has to wait. */
  #offerOne(queued: Queued<Result>, answer: Proposed | Refusal, nowMs: number): boolean {
    const { command, resolve, reject } = queued;
    switch (answer.kind) {
      case "proposed": {
        const deadlineMs = nowMs + this.#limits.commitWaitMs;
        // What was proposed here before, in an earlier ballot, was cut off: nobody else may answer for it.
        this.#pending.get(answer.index)?.reject(unknownFate());
        this.#pending.delete(answer.index);
        this.#pending.set(answer.index, { ballot: answer.ballot, deadlineMs, resolve, reject });
        break;
      }
      case "not-leader":
        reject(this.#notLeader(answer.leader));
        break;
      case "overloaded":
      case "transferring":
      case "change-in-progress":
        return false;
      case "invalid-change":
        reject(new StoreError("Internal", answer.problem, { outcome: "not-applied" }));
        break;
      default:
        return assertNever(answer);
    }
    this.#queuedBytes -= command.length;
    return true;
  }
}

function overloaded(): StoreError {
  return new StoreError("Overloaded", "Too many requests wait for this group. Try again in a moment.");
}

function unknownFate(cause?: StoreError): StoreError {
  const message = "Nobody can say whether the request was committed. Ask again.";
  return new StoreError("OutcomeUnknown", message, cause === undefined ? {} : { cause });
}
