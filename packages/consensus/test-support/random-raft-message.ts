/** Messages of every kind with any value in any field: most of them no correct replica would send. */

import type { Random } from "@holdfast/base";
import { ballot, logIndex, present, uniform } from "@holdfast/base";
import type { Entry, EntryKind } from "../src/contract/entry.ts";
import { encodeMembership } from "../src/contract/membership.ts";
import type { ReplicaId } from "../src/contract/replica-id.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import type { RaftMessage } from "../src/raft/messages.ts";
import { membership } from "./entries.ts";

export interface MessageRange {
  readonly to: ReplicaId;
  /** Numbers are near these, as a rule: what the receiver has. */
  readonly ballot: number;
  readonly index: number;
  /** Numbers that no varint holds, and entries out of order. */
  readonly isWild: boolean;
}

export const messageKinds: readonly RaftMessage["kind"][] = [
  "RequestPreVote",
  "RequestPreVoteReply",
  "RequestVote",
  "RequestVoteReply",
  "AppendEntries",
  "AppendEntriesReply",
  "Heartbeat",
  "HeartbeatReply",
  "AdvanceCommit",
  "InstallSnapshot",
  "TimeoutNow",
  "ReadIndexRequest",
  "ReadIndexReply",
];

const large = [2 ** 31, 2 ** 32, 2 ** 50 - 1, 2 ** 50];
const wild = [2 ** 53 - 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60];

export class RandomRaftMessages {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  message(range: MessageRange): RaftMessage {
    const kind = this.#pick(messageKinds);
    const index = () => logIndex(this.#number(range.index, range));
    const of = () => ballot(this.#number(range.ballot, range));
    const number = () => this.#number(2, range);
    const envelope = { from: this.#sender(range), to: this.#receiver(range), ballot: of() };
    switch (kind) {
      case "RequestPreVote":
        return { kind, ...envelope, lastIndex: index(), lastBallot: of() };
      case "RequestVote":
        return { kind, ...envelope, lastIndex: index(), lastBallot: of(), transfer: this.#coin() };
      case "RequestPreVoteReply":
      case "RequestVoteReply":
        return { kind, ...envelope, granted: this.#coin() };
      case "AppendEntries":
        return this.#append(envelope, range);
      case "AppendEntriesReply":
        if (this.#coin()) return { kind, outcome: "accepted", ...envelope, matchIndex: index() };
        return {
          kind,
          outcome: "rejected",
          ...envelope,
          rejectedIndex: index(),
          hintIndex: index(),
          hintBallot: of(),
          lost: this.#coin(),
        };
      case "Heartbeat":
        return { kind, ...envelope, commitIndex: index(), round: number() };
      case "HeartbeatReply":
        return { kind, ...envelope, round: number() };
      case "AdvanceCommit":
        return { kind, ...envelope, commitIndex: index() };
      case "InstallSnapshot":
        return {
          kind,
          ...envelope,
          snapshotIndex: index(),
          snapshotBallot: of(),
          membership: membership(this.#pick([[1], [1, 2, 3], [2, 3, 4], [7]]), this.#pick([[], [9]])),
        };
      case "TimeoutNow":
        return { kind, ...envelope };
      case "ReadIndexRequest":
        return { kind, ...envelope, request: number() };
      case "ReadIndexReply":
        return { kind, ...envelope, request: number(), index: index(), commitIndex: index() };
    }
  }

  #append(
    envelope: { readonly from: ReplicaId; readonly to: ReplicaId; readonly ballot: Entry["ballot"] },
    range: MessageRange,
  ): RaftMessage {
    const previousIndex = logIndex(this.#number(range.index, range));
    const previousBallot = ballot(this.#number(range.ballot, range));
    const entries = Array.from({ length: uniform(this.#random, 4) }, (_, i) => {
      const isNext = uniform(this.#random, 10) > 0 || !range.isWild;
      const index = isNext ? previousIndex + 1 + i : this.#number(range.index, range);
      const of = uniform(this.#random, 4) > 0 ? envelope.ballot : this.#number(range.ballot, range);
      return this.#entry(index, of);
    });
    const commitIndex = logIndex(this.#number(range.index, range));
    return { kind: "AppendEntries", ...envelope, previousIndex, previousBallot, entries, commitIndex };
  }

  #entry(index: number, of: number): Entry {
    const kind = this.#pick<EntryKind>(["command", "membership", "empty"]);
    const isSound = uniform(this.#random, 3) > 0;
    const payload =
      kind === "membership" && isSound
        ? encodeMembership(membership(this.#pick([[1], [1, 2, 3], [3, 4, 5], [8]])))
        : this.#random.bytes(uniform(this.#random, 6));
    return { index: logIndex(index), ballot: ballot(of), kind, payload };
  }

  #sender({ to, isWild }: MessageRange): ReplicaId {
    return uniform(this.#random, 20) === 0 && isWild
      ? this.#pick([replicaId(0), to, replicaId(-1), replicaId(2 ** 53 - 1)])
      : replicaId(1 + uniform(this.#random, 5));
  }

  #receiver({ to }: MessageRange): ReplicaId {
    return uniform(this.#random, 50) === 0 ? replicaId(to + 1) : to;
  }

  #number(near: number, { isWild }: MessageRange): number {
    const dice = uniform(this.#random, 40);
    if (dice === 0) return this.#pick(large);
    if (dice === 1 && isWild) return this.#pick(wild);
    return Math.max(0, near - 3 + uniform(this.#random, 6));
  }

  #coin(): boolean {
    return uniform(this.#random, 2) === 0;
  }

  #pick<T>(values: readonly T[]): T {
    return present(values[uniform(this.#random, values.length)], "a value");
  }
}
